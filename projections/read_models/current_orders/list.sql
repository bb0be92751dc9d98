-- Orders after a cursor, in one of the orders that `OrderSort` names; nulls select everything.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, line_count,
       item_count, reason, payment_reference, tracking_number, reference, submitted_at, closed_at,
       version
FROM {schema}.current_orders AS orders
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::text IS NULL OR customer_id = $2)
  AND ($3::text IS NULL OR reason = $3)
  AND ($4::timestamptz IS NULL OR placed_at >= $4)
  AND ($5::timestamptz IS NULL OR placed_at < $5)
  AND ($6::text[] IS NULL OR order_id = ANY ($6))
  AND ($7::text IS NULL OR reference = $7)
  AND ($8::text IS NULL OR order_id LIKE $8 OR reference LIKE $8)
  AND ($9::text IS NULL OR $9 = coalesce(
      (SELECT 'refund_pending' FROM {schema}.returns AS back
       WHERE back.order_id = orders.order_id AND back.refund = 'granted' LIMIT 1),
      (SELECT paid.status FROM {schema}.payments AS paid WHERE paid.order_id = orders.order_id),
      'unpaid'))
  AND ($10::text IS NULL OR $10 = coalesce(
      (SELECT parcel.status FROM {schema}.parcels AS parcel
       WHERE parcel.order_id = orders.order_id
         AND parcel.status NOT IN ('unknown', 'label_cancelled')),
      'unfulfilled'))
  AND ($11::text IS NULL OR currency = $11)
  AND ($12::bigint IS NULL OR total_minor >= $12)
  AND ($13::bigint IS NULL OR total_minor <= $13)
  AND ($14::text IS NULL OR skus @> ARRAY[$14])
  AND ($16::text IS NULL OR ({key}, order_id) {beyond} ($15, $16))
ORDER BY {key} {direction}, order_id {direction}
LIMIT $17
