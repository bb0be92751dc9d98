-- Which of some streams are parked.
SELECT stream
FROM read_models.parked_streams
WHERE target = $1 AND projection = $2 AND stream = ANY ($3)
