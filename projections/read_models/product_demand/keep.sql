-- Insert or update the orders that are open after this batch.
INSERT INTO {schema}.product_demand_open_orders
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::boolean[], $5::text[])
ON CONFLICT (order_id) DO UPDATE SET reserved = excluded.reserved, lines = excluded.lines
