-- The stored rows that a batch changes.
SELECT order_id, workflow_id, run_id, status, needs_attention, waiting_for, at_step, failed_step,
       failure_kind, failure, last_operator, last_action, outcome, reason, detail, started_at,
       closed_at, updated_at, version
FROM {schema}.fulfillments
WHERE order_id = ANY ($1)
