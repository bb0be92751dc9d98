-- What was refused, the latest first, after a cursor.
SELECT number, at, actor, token_id, operation, why
FROM access.refusals
WHERE number < coalesce($1::bigint, 9223372036854775807)
ORDER BY number DESC
LIMIT $2
