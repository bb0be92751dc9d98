-- Products by a measure ($1) over the days from $2 to before $3, after a cursor, highest first.
WITH sums AS (
    SELECT sku, currency, sum(orders) AS orders, sum(ordered) AS ordered,
           sum(reserved) AS reserved, sum(shipped) AS shipped, sum(cancelled) AS cancelled,
           sum(ordered_minor) - sum(cancelled_minor) AS ordered_value_minor
    FROM {schema}.product_demand
    WHERE ($2::date IS NULL OR day >= $2)
      AND ($3::date IS NULL OR day < $3)
      AND ($4::text IS NULL OR currency = $4)
    GROUP BY sku, currency
), measured AS (
    SELECT sums.*, CASE $1::text WHEN 'ordered_value' THEN ordered_value_minor WHEN 'shipped' THEN shipped
                                 WHEN 'orders' THEN orders ELSE ordered END AS measure
    FROM sums
)
SELECT sku, currency, orders::bigint, ordered::bigint, reserved::bigint, shipped::bigint,
       cancelled::bigint, ordered_value_minor::text, measure::text
FROM measured
WHERE $5::text IS NULL OR (-measure, sku, currency) > (-($5::text::numeric), $6::text, $7::text)
ORDER BY measured.measure DESC, sku, currency
LIMIT $8
