-- Recount the parked streams of each lane.
UPDATE read_models.checkpoints lane
SET parked = (
    SELECT count(*)
    FROM read_models.parked_streams parked
    WHERE parked.target = lane.target
      AND parked.projection = lane.projection
      AND lane.first_bucket <= parked.bucket
      AND parked.bucket < lane.end_bucket
)
WHERE target = $1 AND projection = $2
