-- Update parcels that existed before this batch.
UPDATE {schema}.parcels parcel
SET status = changed.status,
    carrier = changed.carrier,
    tracking_number = changed.tracking_number,
    scanned_at = changed.scanned_at,
    contradicted_by = changed.contradicted_by,
    given_up = changed.given_up,
    needs_attention = changed.needs_attention,
    waiting_for = changed.waiting_for,
    last_operator = changed.last_operator,
    updated_at = changed.updated_at,
    version = changed.version
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
    $8::boolean[], $9::text[], $10::text[], $11::timestamptz[], $12::int[]
) AS changed (
    order_id, status, carrier, tracking_number, scanned_at, contradicted_by, given_up,
    needs_attention, waiting_for, last_operator, updated_at, version
)
WHERE parcel.order_id = changed.order_id
