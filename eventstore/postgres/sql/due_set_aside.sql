-- The events that a follower has set aside and that are to be tried now, oldest first.
SELECT follower, position, stream, version, event_type, error, tries, first_seen, due_at
FROM eventstore.set_aside
WHERE follower = $1 AND due_at <= clock_timestamp()
ORDER BY position
LIMIT $2
