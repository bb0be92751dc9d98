-- SKUs by name after a cursor.
SELECT sku, on_hand, reserved, available, received, shipped, backordered, updated_at
FROM {schema}.stock_levels
WHERE $1::text IS NULL OR sku > $1
ORDER BY sku
LIMIT $2
