-- What waits for a person, as read models, watchdog and outbox know it, oldest first, with the
-- money and goods of its order.
SELECT item.kind, item.subject, item.order_id, item.reason, item.next, item.since,
       orders.status AS order_status, orders.currency, orders.total_minor,
       orders.item_count AS pieces, payment.kept_minor
FROM (
    SELECT 'saga_needs_attention' AS kind, 'order-' || order_id AS subject, order_id,
           waiting_for AS reason, 'nothing happens until somebody acts' AS next,
           updated_at AS since
    FROM read_models.fulfillments
    WHERE needs_attention
    UNION ALL
    SELECT kind, subject, order_id, detail, action, first_seen
    FROM watchdog.findings
    UNION ALL
    SELECT 'parcel_needs_attention', 'delivery-' || order_id, order_id, waiting_for,
           'nothing happens until somebody acts', updated_at
    FROM read_models.parcels
    WHERE needs_attention
    UNION ALL
    SELECT 'return_needs_attention', 'return-' || order_id || '-' || return_id, order_id,
           waiting_for, 'nothing happens until somebody acts', updated_at
    FROM read_models.returns
    WHERE closed_at IS NULL AND needs_attention AND at_step <> 'decision'
    UNION ALL
    SELECT 'dead_notification', id::text, subject, kind || ': ' || coalesce(last_error, 'no answer'),
           '`ordersaga notifications retry` sends it again', settled_at
    FROM read_models.notifications
    WHERE state = 'dead'
    UNION ALL
    SELECT 'dead_letter', stream, NULL, projection || ': ' || error,
           '`ordersaga projections replay ' || projection || '` applies it again', parked_at
    FROM read_models.parked_streams
    WHERE target = 'read_models'
) AS item
LEFT JOIN read_models.current_orders AS orders USING (order_id)
LEFT JOIN read_models.payments AS payment USING (order_id)
ORDER BY item.since NULLS FIRST, item.kind, item.subject
LIMIT $1
