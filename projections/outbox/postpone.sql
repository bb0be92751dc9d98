-- Note that a leased notification was not received and when to try again.
UPDATE {schema}.notifications
SET lease = NULL, last_error = $3, due_at = clock_timestamp() + $4
WHERE id = $1 AND lease = $2
RETURNING id
