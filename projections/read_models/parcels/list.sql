-- Parcels after a cursor, latest changed first.
SELECT order_id, status, carrier, tracking_number, scanned_at, contradicted_by, given_up, needs_attention,
       waiting_for, last_operator, updated_at, version
FROM {schema}.parcels
WHERE true
  -- if status
  AND status = {value}
  -- if needs_attention
  AND needs_attention = {value}
  -- if after
  AND (updated_at, order_id) < ({value}, {value})
ORDER BY updated_at DESC, order_id DESC
LIMIT {value}
