-- The programs that are connected to the server, by the names that they gave themselves.
SELECT coalesce(application_name, '') AS program, count(*) AS connections
FROM pg_stat_activity
WHERE usesysid IS NOT NULL AND datid IS NOT NULL AND pid <> pg_backend_pid()
GROUP BY 1;
