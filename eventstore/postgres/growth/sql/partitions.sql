-- The partitions in order of their bounds, with their sizes.
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds,
    greatest(c.reltuples, 0)::bigint AS about_events,
    pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'eventstore.events'::regclass
ORDER BY c.relname = 'events_default', substring(c.relname FROM '\d+$')::bigint;
