-- Delete the lanes of a projection.
DELETE FROM read_models.checkpoints WHERE target = $1 AND projection = $2
