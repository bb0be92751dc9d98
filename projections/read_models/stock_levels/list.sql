-- SKUs by name after a cursor.
SELECT sku, on_hand, reserved, available, received, shipped, backordered, updated_at
FROM {schema}.stock_levels
WHERE true
  -- if after
  AND sku > {value}
ORDER BY sku
LIMIT {value}
