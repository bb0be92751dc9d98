-- Pause or resume projections; waits for the batch under way.
UPDATE read_models.checkpoints
SET paused = $3
WHERE target = $1 AND projection = ANY ($2) AND paused <> $3
