-- Whether a worker holds the fence of a lane right now.
SELECT NOT EXISTS (
    SELECT FROM read_models.checkpoints
    WHERE target = $1 AND projection = $2 AND lane = $3
    FOR UPDATE SKIP LOCKED
)
