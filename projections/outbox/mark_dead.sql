-- Mark a leased notification as dead, unless the lease was lost.
UPDATE {schema}.notifications
SET state = 'dead', lease = NULL, last_error = $3, settled_at = clock_timestamp()
WHERE id = $1 AND lease = $2
RETURNING id
