-- The money and goods of some orders.
SELECT orders.order_id, orders.status AS order_status, orders.currency, orders.total_minor,
       orders.item_count AS pieces, payment.kept_minor
FROM read_models.current_orders AS orders
LEFT JOIN read_models.payments AS payment USING (order_id)
WHERE orders.order_id = ANY ($1)
