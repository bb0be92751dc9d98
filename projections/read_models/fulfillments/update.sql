-- Rows of sagas that were there before a batch.
UPDATE {schema}.fulfillments saga
SET workflow_id = given.workflow_id,
    run_id = given.run_id,
    status = given.status,
    needs_attention = given.needs_attention,
    waiting_for = given.waiting_for,
    at_step = given.at_step,
    failed_step = given.failed_step,
    failure_kind = given.failure_kind,
    failure = given.failure,
    last_operator = given.last_operator,
    last_action = given.last_action,
    outcome = given.outcome,
    reason = given.reason,
    detail = given.detail,
    started_at = given.started_at,
    closed_at = given.closed_at,
    updated_at = given.updated_at,
    version = given.version
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::int[]
) AS given (
    order_id, workflow_id, run_id, status, needs_attention, waiting_for, at_step, failed_step,
    failure_kind, failure, last_operator, last_action, outcome, reason, detail, started_at,
    closed_at, updated_at, version
)
WHERE saga.order_id = given.order_id
