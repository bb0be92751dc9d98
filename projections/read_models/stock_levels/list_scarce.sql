-- SKUs with fewer than $1 pieces available after a cursor, scarcest first.
SELECT sku, on_hand, reserved, available, received, shipped, backordered, updated_at
FROM {schema}.stock_levels
WHERE available < $1
  AND ($2::bigint IS NULL OR (available, sku) > ($2, $3::text))
ORDER BY available, sku
LIMIT $4
