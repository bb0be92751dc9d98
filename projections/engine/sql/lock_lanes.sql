-- Wait for the fences of all lanes of a projection.
SELECT lane, first_bucket, end_bucket, version, position, paused, parked
FROM read_models.checkpoints
WHERE target = $1 AND projection = $2
ORDER BY lane
FOR UPDATE
