-- Copy the parked streams and dead letters of one target to another.
WITH copied AS (
    INSERT INTO read_models.parked_streams
    SELECT $2, projection, stream, bucket, position, error, attempts, parked_at
    FROM read_models.parked_streams
    WHERE target = $1 AND projection = $3
)
INSERT INTO read_models.dead_letters
SELECT $2, projection, position, stream, version, event_id, event_type, waiting, parked_at
FROM read_models.dead_letters
WHERE target = $1 AND projection = $3
