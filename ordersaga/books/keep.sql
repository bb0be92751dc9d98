-- Keep differences, latest day first, with the day of each order's last movement of money.
INSERT INTO books.differences
    (provider, day, order_id, currency, ours_minor, theirs_minor, rule, expected, actual)
SELECT $1, moved.day, found.order_id, found.currency, found.ours, found.theirs, found.rule,
       found.expected, found.actual
FROM unnest(
    $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[]
) AS found (order_id, currency, ours, theirs, rule, expected, actual)
LEFT JOIN LATERAL (
    SELECT movement.day
    FROM read_models.payment_movements AS movement
    WHERE movement.order_id = found.order_id
    ORDER BY movement.position DESC
    LIMIT 1
) AS moved ON true
ORDER BY moved.day DESC NULLS FIRST, found.order_id
