-- The totals of a customer's orders by currency, without drafts.
SELECT currency,
       count(*) AS orders,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       coalesce(sum(total_minor) FILTER (WHERE status = 'completed'), 0)::text AS completed_minor,
       coalesce(sum(total_minor) FILTER (WHERE status NOT IN ('completed', 'cancelled')), 0)::text
           AS open_minor,
       min(placed_at) AS first_placed_at,
       max(placed_at) AS last_placed_at
FROM {schema}.customer_orders
WHERE customer_id = $1 AND status <> 'draft'
GROUP BY currency
ORDER BY currency
