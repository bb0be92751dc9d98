-- One SKU.
SELECT sku, on_hand, reserved, available, received, shipped, backordered, updated_at
FROM {schema}.stock_levels
WHERE sku = $1
