-- What was refused, the latest first, after a cursor.
SELECT number, at, actor, token_id, operation, why
FROM access.refusals
WHERE true
  -- if after
  AND number < {value}
ORDER BY number DESC
LIMIT {value}
