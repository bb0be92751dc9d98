-- The number of findings of each kind.
SELECT kind, count(*) AS findings
FROM watchdog.findings
GROUP BY kind
