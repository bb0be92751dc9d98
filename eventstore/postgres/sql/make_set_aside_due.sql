-- Let all events that a follower has set aside be tried now.
UPDATE eventstore.set_aside SET due_at = clock_timestamp() WHERE follower = $1
