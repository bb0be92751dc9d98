-- Events in order of position after a cursor; nulls select everything.
SELECT position, recorded_at, stream, category, version, event_type, act, details, actor, reason,
       correlation_id, causation_id, run_id, trace_id, event_id::text AS event_id
FROM {schema}.audit_log
WHERE ($1::text IS NULL OR actor = $1)
  AND ($2::text IS NULL OR event_type = $2)
  AND ($3::text[] IS NULL OR stream = ANY ($3))
  AND ($4::text IS NULL OR correlation_id = $4)
  AND ($5::timestamptz IS NULL OR recorded_at >= $5)
  AND ($6::timestamptz IS NULL OR recorded_at < $6)
  AND ($7::bigint IS NULL OR position > $7)
ORDER BY position
LIMIT $8
