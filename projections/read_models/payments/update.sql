-- Update payments that existed before this batch.
UPDATE {schema}.payments payment
SET status = changed.status,
    currency = changed.currency,
    authorised_minor = changed.authorised_minor,
    captured_minor = changed.captured_minor,
    refunded_minor = changed.refunded_minor,
    kept_minor = changed.kept_minor,
    pending_minor = changed.pending_minor,
    reference = changed.reference,
    decline_code = changed.decline_code,
    pending = changed.pending,
    updated_at = changed.updated_at,
    version = changed.version
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::text[], $10::text[], $11::timestamptz[], $12::int[], $13::text[]
) AS changed (
    order_id, status, currency, authorised_minor, captured_minor, refunded_minor, kept_minor,
    pending_minor, reference, decline_code, updated_at, version, pending
)
WHERE payment.order_id = changed.order_id
