-- Notifications after a cursor, latest event first.
SELECT id::text AS id, kind, subject, state, attempts, last_error, position, occurred_at,
       event_id::text AS event_id, due_at, settled_at
FROM {schema}.notifications
WHERE true
  -- if state
  AND state = {value}
  -- if subject
  AND subject = {value}
  -- if kind
  AND kind = {value}
  -- if after
  AND (position, kind) < ({value}, {value})
ORDER BY position DESC, kind DESC
LIMIT {value}
