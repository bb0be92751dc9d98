-- Insert findings, or renew them if they are there already; `is_new` tells which.
INSERT INTO watchdog.findings (kind, subject, order_id, run_id, detail, action)
SELECT kind, subject, order_id, run_id, detail, action
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS seen (kind, subject, order_id, run_id, detail, action)
ON CONFLICT (kind, subject) DO UPDATE
SET order_id = excluded.order_id,
    run_id = excluded.run_id,
    detail = excluded.detail,
    action = excluded.action,
    last_seen = now()
RETURNING id, kind, subject, order_id, run_id, xmax = 0 AS is_new
