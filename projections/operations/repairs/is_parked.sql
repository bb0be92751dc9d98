-- Whether a stream of a projection is parked; any stream if none is given.
SELECT EXISTS (
    SELECT FROM read_models.parked_streams
    WHERE target = 'read_models' AND projection = $1 AND ($2 = '' OR stream = $2)
)
