-- The dead letters of a parked stream, in order; all of them without a limit.
SELECT version, position, event_type, waiting
FROM read_models.dead_letters
WHERE target = $1 AND projection = $2 AND stream = $3
ORDER BY version
LIMIT $4::bigint
