-- Whether a worker currently holds the fence of a lane.
SELECT NOT EXISTS (
    SELECT FROM read_models.checkpoints
    WHERE target = $1 AND projection = $2 AND lane = $3
    FOR UPDATE SKIP LOCKED
)
