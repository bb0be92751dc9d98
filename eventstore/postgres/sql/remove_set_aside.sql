-- Forget an event that was set aside.
DELETE FROM eventstore.set_aside WHERE follower = $1 AND position = $2
