-- The position of the next event after one, whatever it is; none if there is none up to the second.
SELECT position FROM eventstore.all_events
WHERE position > $1 AND position <= $2
ORDER BY position
LIMIT 1;
