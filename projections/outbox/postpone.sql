-- Record a failed attempt of a leased notification, and when to retry it.
UPDATE {schema}.notifications
SET lease = NULL, last_error = $3, due_at = clock_timestamp() + $4
WHERE id = $1 AND lease = $2
RETURNING id
