-- Note that a leased notification was received; nothing if the lease went to another sender.
UPDATE {schema}.notifications
SET state = 'delivered', lease = NULL, settled_at = clock_timestamp()
WHERE id = $1 AND lease = $2
RETURNING id
