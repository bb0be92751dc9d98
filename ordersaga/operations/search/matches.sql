-- What a text names. $1: the text, $2: order ids that a workflow id or stream name stands for,
-- $3: a trace id, $4: rows of each kind. Each part reads a few rows of an index.
(SELECT 'order_id' AS by, order_id AS value, order_id, NULL AS sku, NULL AS customer_id
 FROM read_models.current_orders
 WHERE order_id ~>=~ $1 AND order_id ~<~ ($1 || chr(1114111))
 ORDER BY order_id USING ~<~
 LIMIT $4)
UNION ALL
(SELECT 'reference', reference, order_id, NULL, NULL
 FROM read_models.current_orders
 WHERE reference ~>=~ $1 AND reference ~<~ ($1 || chr(1114111))
 ORDER BY reference USING ~<~
 LIMIT $4)
UNION ALL
(SELECT 'workflow_id', 'order-' || order_id, order_id, NULL, NULL
 FROM read_models.current_orders
 WHERE order_id = ANY ($2::text[])
 LIMIT $4)
UNION ALL
(SELECT 'customer_id', customer_id, order_id, NULL, customer_id
 FROM read_models.current_orders
 WHERE customer_id = $1
 ORDER BY placed_at DESC, order_id DESC
 LIMIT $4)
UNION ALL
(SELECT DISTINCT 'payment_reference', reference, order_id, NULL, NULL
 FROM (SELECT reference, order_id FROM read_models.payments WHERE reference = $1
       UNION ALL
       SELECT reference, order_id FROM read_models.payment_movements WHERE reference = $1
       LIMIT $4) AS paid
 LIMIT $4)
UNION ALL
(SELECT 'tracking_number', tracking_number, order_id, NULL, NULL
 FROM read_models.parcels
 WHERE tracking_number = $1
 LIMIT $4)
UNION ALL
(SELECT DISTINCT 'trace_id', trace_id, substring(stream FROM position('-' IN stream) + 1), NULL,
        NULL
 FROM read_models.audit_log
 WHERE trace_id = $3 AND category IN ('order', 'payment', 'shipment', 'fulfillment', 'returns')
 LIMIT $4)
UNION ALL
(SELECT 'sku', sku, NULL, sku, NULL
 FROM read_models.stock_levels
 WHERE sku = $1)
