-- Update sagas that existed before this batch.
UPDATE {schema}.fulfillments saga
SET workflow_id = changed.workflow_id,
    run_id = changed.run_id,
    status = changed.status,
    needs_attention = changed.needs_attention,
    waiting_for = changed.waiting_for,
    at_step = changed.at_step,
    failed_step = changed.failed_step,
    failure_kind = changed.failure_kind,
    failure = changed.failure,
    last_operator = changed.last_operator,
    last_action = changed.last_action,
    outcome = changed.outcome,
    reason = changed.reason,
    detail = changed.detail,
    started_at = changed.started_at,
    closed_at = changed.closed_at,
    updated_at = changed.updated_at,
    version = changed.version
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::int[]
) AS changed (
    order_id, workflow_id, run_id, status, needs_attention, waiting_for, at_step, failed_step,
    failure_kind, failure, last_operator, last_action, outcome, reason, detail, started_at,
    closed_at, updated_at, version
)
WHERE saga.order_id = changed.order_id
