-- The position of a lane, the version of its tables, and the current era.
SELECT position, version, (SELECT id FROM read_models.era) AS era
FROM read_models.checkpoints
WHERE target = $1 AND projection = $2 AND lane = $3
