-- Orders that a batch closed.
DELETE FROM {schema}.product_demand_open_orders WHERE order_id = ANY ($1)
