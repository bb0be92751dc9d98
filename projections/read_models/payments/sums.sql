-- Sums by day (UTC) and currency, from one day to before another. What orders cost counts on the
-- day on which they were submitted, money on the day on which it moved.
WITH moved AS (
    SELECT day, currency,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'authorised'), 0) AS authorised,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'captured'), 0) AS captured,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'refunded'), 0)
           - coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund_reversed'), 0) AS refunded
    FROM {schema}.payment_movements
    WHERE ($1::date IS NULL OR day >= $1) AND ($2::date IS NULL OR day < $2)
    GROUP BY day, currency
), ordered AS (
    SELECT (submitted_at AT TIME ZONE 'UTC')::date AS day, currency, sum(total_minor) AS amount
    FROM {schema}.current_orders
    WHERE submitted_at IS NOT NULL
      AND status <> 'cancelled'
      AND ($1::date IS NULL OR submitted_at >= $1::timestamp AT TIME ZONE 'UTC')
      AND ($2::date IS NULL OR submitted_at < $2::timestamp AT TIME ZONE 'UTC')
    GROUP BY 1, currency
)
SELECT day, currency, coalesce(amount, 0)::text AS wanted_minor,
       coalesce(authorised, 0)::text AS authorised_minor,
       coalesce(captured, 0)::text AS captured_minor,
       coalesce(refunded, 0)::text AS refunded_minor,
       coalesce(captured - refunded, 0)::text AS kept_minor
FROM moved FULL JOIN ordered USING (day, currency)
WHERE $3::text IS NULL OR currency = $3
ORDER BY day, currency
