-- Delete orders that were closed in this batch.
DELETE FROM {schema}.product_demand_open_orders WHERE order_id = ANY ($1)
