-- How many sagas wait for a provider, as the processes say that still report.
SELECT COALESCE(sum(waiting), 0)::integer
FROM incidents.reports
WHERE provider = $1 AND reported_at > now() - interval '30 seconds'
