-- Delete a parked stream after its events were applied; its dead letters go with it.
DELETE FROM read_models.parked_streams
WHERE target = $1 AND projection = $2 AND stream = $3
