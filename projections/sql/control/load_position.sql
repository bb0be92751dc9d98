-- Where a lane stands.
SELECT position, paused
FROM read_models.checkpoints
WHERE target = $1 AND projection = $2 AND lane = $3
