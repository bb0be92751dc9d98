-- SKUs with fewer than so many pieces available after a cursor, scarcest first.
SELECT sku, on_hand, reserved, available, received, shipped, backordered, updated_at
FROM {schema}.stock_levels
WHERE true
  -- if available_below
  AND available < {value}
  -- if after
  AND (available, sku) > ({value}, {value})
ORDER BY available, sku
LIMIT {value}
