-- The parked streams of some projections after a cursor, with their number of dead letters.
SELECT parked.projection, parked.stream, parked.bucket, parked.position, parked.error,
       parked.attempts, parked.parked_at, count(letter.position) AS events
FROM read_models.parked_streams parked
LEFT JOIN read_models.dead_letters letter USING (target, projection, stream)
WHERE true
  -- if target
  AND parked.target = {value}
  -- if projections
  AND parked.projection = ANY ({value})
  -- if after
  AND (parked.projection, parked.stream) > ({value}, {value})
GROUP BY parked.target, parked.projection, parked.stream
ORDER BY parked.projection, parked.stream
LIMIT {value}
