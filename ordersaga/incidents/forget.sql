-- Delete the reports of processes that are gone.
DELETE FROM incidents.reports WHERE reported_at < now() - interval '1 hour'
