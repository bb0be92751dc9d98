-- Make dead notifications wait again and waiting ones due now, except those that are leased; nulls
-- select everything. The next ones after an id, in order of ids.
WITH chosen AS (
    SELECT id
    FROM {schema}.notifications
    WHERE state IN ('waiting', 'dead')
      AND (lease IS NULL OR due_at <= clock_timestamp())
      AND ($1::uuid[] IS NULL OR id = ANY ($1))
      AND ($2::text IS NULL OR subject = $2)
      AND ($3::text IS NULL OR kind = $3)
      AND id > $4
    ORDER BY id
    LIMIT $5
    FOR UPDATE
)
UPDATE {schema}.notifications
SET state = 'waiting',
    attempts = CASE state WHEN 'dead' THEN 0 ELSE attempts END,
    waiting_since = CASE state WHEN 'dead' THEN clock_timestamp() ELSE waiting_since END,
    lease = NULL,
    due_at = clock_timestamp(),
    settled_at = NULL
WHERE id = ANY (ARRAY(SELECT id FROM chosen))
RETURNING id
