-- The events that followers have set aside, oldest first.
SELECT follower, position, stream, version, event_type, error, tries, first_seen, due_at
FROM eventstore.set_aside
ORDER BY position, follower
LIMIT $1
