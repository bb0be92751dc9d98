-- The totals of a customer's orders by currency, without drafts, with what providers captured.
SELECT currency,
       count(*) AS orders,
       count(*) FILTER (WHERE orders.status = 'completed') AS completed,
       count(*) FILTER (WHERE orders.status = 'cancelled') AS cancelled,
       coalesce(sum(total_minor) FILTER (WHERE orders.status = 'completed'), 0)::text
           AS completed_minor,
       coalesce(sum(total_minor) FILTER (WHERE orders.status NOT IN ('completed', 'cancelled')), 0)
           ::text AS open_minor,
       coalesce(sum(captured_minor), 0)::text AS captured_minor,
       coalesce(sum(refunded_minor), 0)::text AS refunded_minor,
       coalesce(sum(kept_minor), 0)::text AS kept_minor,
       min(placed_at) AS first_placed_at,
       max(placed_at) AS last_placed_at
FROM {schema}.customer_orders AS orders
LEFT JOIN {schema}.payments AS payment USING (order_id, currency)
WHERE customer_id = $1 AND orders.status <> 'draft'
GROUP BY currency
ORDER BY currency
