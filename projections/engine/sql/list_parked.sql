-- The parked streams of some projections (all if null) after a cursor, with their number of dead
-- letters.
SELECT parked.projection, parked.stream, parked.bucket, parked.position, parked.error,
       parked.attempts, parked.parked_at, count(letter.position) AS events
FROM read_models.parked_streams parked
LEFT JOIN read_models.dead_letters letter USING (target, projection, stream)
WHERE parked.target = $1
  AND ($2::text[] IS NULL OR parked.projection = ANY ($2))
  AND ($3::text IS NULL OR (parked.projection, parked.stream) > ($3, $4::text))
GROUP BY parked.target, parked.projection, parked.stream
ORDER BY parked.projection, parked.stream
LIMIT $5
