-- Why orders need a person: what their sagas wait for, and what the watchdog sees. Null selects
-- all orders.
SELECT order_id, string_agg(why, '; ' ORDER BY why) AS why
FROM (
    SELECT order_id, waiting_for AS why
    FROM read_models.fulfillments
    WHERE needs_attention
    UNION ALL
    SELECT order_id, detail || ': ' || action
    FROM watchdog.findings
    WHERE order_id IS NOT NULL
) AS reasons
WHERE ($1::text[] IS NULL OR order_id = ANY ($1))
GROUP BY order_id
ORDER BY order_id
LIMIT $2
