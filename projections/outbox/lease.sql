-- Lease notifications that are due: only the first waiting one of each order, and none beyond the
-- position that every lane of the projection has reached.
WITH due AS (
    SELECT waiting.id
    FROM {schema}.notifications AS waiting
    WHERE waiting.state = 'waiting'
      AND waiting.due_at <= now()
      AND waiting.position <= (
          SELECT min(position) FROM {schema}.checkpoints
          WHERE target = '{schema}' AND projection = 'notifications'
      )
      AND waiting.id = (
          SELECT first.id
          FROM {schema}.notifications AS first
          WHERE first.state = 'waiting' AND first.subject = waiting.subject
          ORDER BY first.position, first.kind
          LIMIT 1
      )
    ORDER BY waiting.due_at, waiting.position
    LIMIT $1
    FOR UPDATE OF waiting SKIP LOCKED
)
UPDATE {schema}.notifications AS leased
SET attempts = attempts + 1, lease = $2, due_at = clock_timestamp() + $3
FROM due
WHERE leased.id = due.id
RETURNING leased.id, kind, data_version, position, subject, occurred_at, traceparent, data,
          attempts, clock_timestamp() - waiting_since AS age
