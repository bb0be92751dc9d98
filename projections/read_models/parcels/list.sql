-- Parcels after a cursor, latest changed first; nulls select everything.
SELECT order_id, status, carrier, tracking_number, scanned_at, contradicted_by, given_up, needs_attention,
       waiting_for, last_operator, updated_at, version
FROM {schema}.parcels
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::boolean IS NULL OR needs_attention = $2)
  AND ($3::timestamptz IS NULL OR (updated_at, order_id) < ($3, $4::text))
ORDER BY updated_at DESC, order_id DESC
LIMIT $5
