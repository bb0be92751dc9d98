-- Rows of parcels that were there before a batch.
UPDATE {schema}.parcels parcel
SET status = given.status,
    carrier = given.carrier,
    tracking_number = given.tracking_number,
    scanned_at = given.scanned_at,
    contradicted_by = given.contradicted_by,
    needs_attention = given.needs_attention,
    waiting_for = given.waiting_for,
    last_operator = given.last_operator,
    updated_at = given.updated_at,
    version = given.version
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[],
    $8::text[], $9::text[], $10::timestamptz[], $11::int[]
) AS given (
    order_id, status, carrier, tracking_number, scanned_at, contradicted_by, needs_attention,
    waiting_for, last_operator, updated_at, version
)
WHERE parcel.order_id = given.order_id
