-- The stored rows that a batch changes.
SELECT order_id, status, carrier, tracking_number, scanned_at, contradicted_by, given_up, needs_attention,
       waiting_for, last_operator, updated_at, version
FROM {schema}.parcels
WHERE order_id = ANY ($1)
