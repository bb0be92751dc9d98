-- Mark a leased notification as delivered, unless the lease was lost.
UPDATE {schema}.notifications
SET state = 'delivered', lease = NULL, settled_at = clock_timestamp()
WHERE id = $1 AND lease = $2
RETURNING id
