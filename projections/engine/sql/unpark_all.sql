-- Forget all parked streams of a projection, and their dead letters with them.
DELETE FROM read_models.parked_streams WHERE target = $1 AND projection = $2
