-- The layout: size and border of the partitions, the last position drawn, the archive.
SELECT p.size, p.border, pos.last_value AS head,
    EXISTS (SELECT FROM eventstore.partitioning WHERE NOT done) AS unfinished,
    pg_total_relation_size('eventstore.archived_events') AS archive_bytes,
    coalesce(sum(l.streams) FILTER (WHERE l.direction = 'archived'), 0)
        - coalesce(sum(l.streams) FILTER (WHERE l.direction = 'restored'), 0) AS archived_streams,
    coalesce(sum(l.events) FILTER (WHERE l.direction = 'archived'), 0)
        - coalesce(sum(l.events) FILTER (WHERE l.direction = 'restored'), 0) AS archived_events
FROM eventstore.positions AS pos
LEFT JOIN eventstore.partitioning AS p ON p.done
LEFT JOIN eventstore.archive_log AS l ON true
GROUP BY p.size, p.border, pos.last_value;
