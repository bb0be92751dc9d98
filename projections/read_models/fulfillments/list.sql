-- Sagas after a cursor, latest changed first; nulls select everything.
SELECT order_id, workflow_id, run_id, status, needs_attention, waiting_for, at_step, failed_step,
       failure_kind, failure, last_operator, last_action, outcome, reason, detail, started_at,
       closed_at, updated_at, version
FROM {schema}.fulfillments
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::boolean IS NULL OR needs_attention = $2)
  AND ($3::timestamptz IS NULL OR (updated_at, order_id) < ($3, $4::text))
ORDER BY updated_at DESC, order_id DESC
LIMIT $5
