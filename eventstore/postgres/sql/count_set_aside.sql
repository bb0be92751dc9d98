-- How many events a follower has set aside.
SELECT count(*) FROM eventstore.set_aside WHERE follower = $1
