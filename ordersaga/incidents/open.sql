-- The providers that have an incident now.
SELECT provider FROM incidents.incidents WHERE ended_at IS NULL
