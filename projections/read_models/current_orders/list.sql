-- Orders after a cursor, in one of the orders that `OrderSort` names. What stands under an `if` is
-- left out unless it is asked for, so that PostgreSQL plans for what counts; see `conditions.py`.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, line_count,
       item_count, reason, payment_reference, tracking_number, reference, submitted_at, closed_at,
       version, country
FROM {schema}.current_orders AS orders
WHERE true
  -- if status
  AND status = {value}
  -- if customer_id
  AND customer_id = {value}
  -- if reason
  AND reason = {value}
  -- if placed_from
  AND placed_at >= {value}
  -- if placed_before
  AND placed_at < {value}
  -- if order_ids
  AND order_id = ANY ({value})
  -- if reference
  AND reference = {value}
  -- if begins_with
  AND (order_id LIKE {value} OR reference LIKE {value})
  -- if currency
  AND currency = {value}
  -- if total_from
  AND total_minor >= {value}
  -- if total_until
  AND total_minor <= {value}
  -- if sku
  AND skus @> ARRAY[{value}]
  -- if country
  AND country = {value}
  -- if payment_status
  AND order_id IN (SELECT p.order_id FROM {schema}.payments AS p WHERE p.status = {value})
  AND NOT EXISTS (SELECT FROM {schema}.returns AS r
                  WHERE r.order_id = orders.order_id AND r.refund = 'granted')
  -- if payment_status is unpaid
  AND NOT EXISTS (SELECT FROM {schema}.payments AS p WHERE p.order_id = orders.order_id)
  -- if payment_status is refund_pending
  AND order_id IN (SELECT p.order_id FROM {schema}.payments AS p WHERE p.status = 'refund_pending'
                   UNION ALL
                   SELECT r.order_id FROM {schema}.returns AS r
                   JOIN {schema}.payments AS p ON p.order_id = r.order_id
                   WHERE r.refund = 'granted')
  -- if fulfilment_status
  AND order_id IN (SELECT s.order_id FROM {schema}.parcels AS s WHERE s.status = {value})
  -- if fulfilment_status is unfulfilled
  AND NOT EXISTS (SELECT FROM {schema}.parcels AS s
                  WHERE s.order_id = orders.order_id
                    AND s.status NOT IN ('unknown', 'label_cancelled'))
  -- if return_status is none
  AND NOT EXISTS (SELECT FROM {schema}.returns AS r WHERE r.order_id = orders.order_id)
  -- if return_status is awaiting_decision
  AND order_id IN (SELECT r.order_id FROM {schema}.returns AS r
                   WHERE r.closed_at IS NULL AND 'undecided' IN (r.refund, r.restock))
  -- if return_status is open
  AND order_id IN (SELECT r.order_id FROM {schema}.returns AS r WHERE r.closed_at IS NULL)
  AND NOT EXISTS (SELECT FROM {schema}.returns AS r
                  WHERE r.order_id = orders.order_id
                    AND r.closed_at IS NULL AND 'undecided' IN (r.refund, r.restock))
  -- if return_status is closed
  AND order_id IN (SELECT r.order_id FROM {schema}.returns AS r)
  AND NOT EXISTS (SELECT FROM {schema}.returns AS r
                  WHERE r.order_id = orders.order_id AND r.closed_at IS NULL)
  -- if after
  AND ({key}, order_id) {beyond} ({value}, {value})
ORDER BY {key} {direction}, order_id {direction}
LIMIT {value}
