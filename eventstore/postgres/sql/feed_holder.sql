-- The oldest transaction that holds the watermark of the feed at its lowest position. The time is
-- hidden from a login that is no member of the transaction's own.
SELECT ((held.classid::bigint & 65535) << 32) | held.objid::bigint AS position,
    held.pid,
    coalesce(session.application_name, '') AS application,
    extract(epoch FROM clock_timestamp() - session.xact_start)::float8 AS age_s
FROM pg_locks AS held
LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
WHERE held.locktype = 'advisory'
    AND held.granted
    AND held.objsubid = 1
    AND held.classid::bigint >> 16 = x'4553'::bigint
    AND held.database = (
        SELECT here.oid FROM pg_database AS here WHERE here.datname = current_database()
    )
ORDER BY 1, session.xact_start
LIMIT 1
