-- Count one parked stream less on a lane whose fence is held.
UPDATE read_models.checkpoints
SET parked = parked - 1
WHERE target = $1 AND projection = $2 AND lane = $3
