-- Incidents, those that have not ended first, then the latest; with how many sagas wait now, and
-- when a process last reported.
SELECT incident.provider, incident.begun_at, incident.ended_at, incident.failure,
       incident.access_refused, incident.most_waiting,
       CASE WHEN incident.ended_at IS NULL THEN present.waiting ELSE 0 END AS waiting,
       present.reported_at
FROM incidents.incidents AS incident
CROSS JOIN LATERAL (
    SELECT COALESCE(
               sum(report.waiting) FILTER (
                   WHERE report.reported_at > now() - interval '30 seconds'
               ), 0
           )::integer AS waiting,
           max(report.reported_at) AS reported_at
    FROM incidents.reports AS report
    WHERE report.provider = incident.provider
) AS present
ORDER BY incident.ended_at IS NOT NULL, incident.begun_at DESC
LIMIT $1
