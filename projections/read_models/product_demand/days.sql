-- The demand for a SKU by day after a cursor, oldest first.
SELECT sku, day, currency, orders, ordered, reserved, shipped, cancelled,
       (ordered_minor - cancelled_minor)::text AS revenue_minor
FROM {schema}.product_demand
WHERE sku = $1
  AND ($2::date IS NULL OR day >= $2)
  AND ($3::date IS NULL OR day < $3)
  AND ($4::date IS NULL OR (day, currency) > ($4, $5::text))
ORDER BY day, currency
LIMIT $6
