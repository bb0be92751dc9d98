-- End the incident of a provider once no process has seen it fail for a while, and one has seen it
-- work since. It ended when it began to work.
WITH last_failure AS (
    SELECT max(failed_at) AS at FROM incidents.reports WHERE provider = $1
)
UPDATE incidents.incidents AS incident
SET ended_at = (
    SELECT min(greatest(report.works_since, last_failure.at, incident.begun_at))
    FROM incidents.reports AS report
    WHERE report.provider = $1 AND report.worked_at > last_failure.at
)
FROM last_failure
WHERE incident.provider = $1
  AND incident.ended_at IS NULL
  AND last_failure.at < now() - $2::interval
  AND EXISTS (
      SELECT FROM incidents.reports AS report
      WHERE report.provider = $1 AND report.worked_at > last_failure.at
  )
RETURNING id, begun_at, ended_at, failure, access_refused
