-- Movements in the order in which they were recorded, after a cursor.
SELECT position, order_id, kind, at, currency, amount_minor, reference
FROM {schema}.payment_movements
WHERE true
  -- if order_id
  AND order_id = {value}
  -- if kind
  AND kind = {value}
  -- if currency
  AND currency = {value}
  -- if since
  AND day >= {value}
  -- if until
  AND day < {value}
  -- if after
  AND position > {value}
ORDER BY position
LIMIT {value}
