-- Movements in the order in which they were recorded, after a cursor; nulls select all.
SELECT position, order_id, kind, at, currency, amount_minor, reference
FROM {schema}.payment_movements
WHERE ($1::text IS NULL OR order_id = $1)
  AND ($2::text IS NULL OR kind = $2)
  AND ($3::text IS NULL OR currency = $3)
  AND ($4::date IS NULL OR day >= $4)
  AND ($5::date IS NULL OR day < $5)
  AND ($6::bigint IS NULL OR position > $6)
ORDER BY position
LIMIT $7
