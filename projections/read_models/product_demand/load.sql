-- The open orders that a batch changes.
SELECT order_id, day, currency, reserved, lines
FROM {schema}.product_demand_open_orders
WHERE order_id = ANY ($1)
