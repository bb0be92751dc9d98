-- Record that the replay of a parked stream failed.
UPDATE read_models.parked_streams
SET error = $4, attempts = attempts + 1
WHERE target = $1 AND projection = $2 AND stream = $3
