-- The parked streams of a projection, or one of them.
SELECT stream, bucket
FROM read_models.parked_streams
WHERE target = $1 AND projection = $2 AND ($3::text IS NULL OR stream = $3)
ORDER BY position
