-- Delete all parked streams of a projection; their dead letters go with them.
DELETE FROM read_models.parked_streams WHERE target = $1 AND projection = $2
