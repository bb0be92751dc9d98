-- Pause or resume projections; waits for the current batches.
UPDATE read_models.checkpoints
SET paused = $3
WHERE target = $1 AND projection = ANY ($2) AND paused <> $3
