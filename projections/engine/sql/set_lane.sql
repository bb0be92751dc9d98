-- Set the position of a lane whose fence is held.
UPDATE read_models.checkpoints
SET position = $4, parked = $5, updated_at = now()
WHERE target = $1 AND projection = $2 AND lane = $3
