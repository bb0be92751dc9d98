-- The transactions that the feed waits for: each appends, and has not ended. Of sessions of other
-- roles a login may not see the age.
SELECT l.pid, l.classid, l.objid, session.application_name AS program,
    extract(epoch FROM clock_timestamp() - session.xact_start)::float8 AS age_s
FROM pg_locks AS l
LEFT JOIN pg_stat_activity AS session ON session.pid = l.pid
WHERE l.locktype = 'advisory'
    AND l.objsubid = 1
    AND l.classid::bigint >> 16 = x'4553'::bigint
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
ORDER BY session.xact_start;
