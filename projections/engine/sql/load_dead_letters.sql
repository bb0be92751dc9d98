-- The events of a parked stream that wait to be applied, in order; all if no limit is given.
SELECT version, position, event_type, waiting
FROM read_models.dead_letters
WHERE target = $1 AND projection = $2 AND stream = $3
ORDER BY version
LIMIT $4::bigint
