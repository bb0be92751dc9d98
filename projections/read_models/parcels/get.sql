-- The parcel of one order.
SELECT order_id, status, carrier, tracking_number, scanned_at, contradicted_by, given_up, needs_attention,
       waiting_for, last_operator, updated_at, version
FROM {schema}.parcels
WHERE order_id = $1
