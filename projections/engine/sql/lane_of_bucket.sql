-- Wait for the fence of the lane that has a bucket.
SELECT lane, version
FROM read_models.checkpoints
WHERE target = $1 AND projection = $2 AND first_bucket <= $3 AND $3 < end_bucket
FOR UPDATE
