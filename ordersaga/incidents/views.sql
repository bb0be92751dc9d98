-- How each process that still reports sees each provider.
SELECT provider, name AS process, failing_since, access_refused, failure, failed_at, worked_at,
       waiting, reported_at
FROM incidents.reports
WHERE reported_at > now() - $1::interval
ORDER BY provider, name, process
