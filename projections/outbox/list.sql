-- Notifications after a cursor, latest event first; nulls select everything.
SELECT id::text AS id, kind, subject, state, attempts, last_error, position, occurred_at,
       event_id::text AS event_id, due_at, settled_at
FROM {schema}.notifications
WHERE ($1::text IS NULL OR state = $1)
  AND ($2::text IS NULL OR subject = $2)
  AND ($3::text IS NULL OR kind = $3)
  AND ($4::bigint IS NULL OR (position, kind) < ($4, $5))
ORDER BY position DESC, kind DESC
LIMIT $6
