-- The timeline of an order up to a time and after a cursor, oldest first.
SELECT order_id, position, recorded_at, stream, version, event_type, line, actor
FROM {schema}.order_history
WHERE true
  -- if order_id
  AND order_id = {value}
  -- if until
  AND recorded_at <= {value}
  -- if after
  AND position > {value}
ORDER BY position
LIMIT {value}
