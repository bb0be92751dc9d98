-- Forget a parked stream whose events were applied, and its dead letters with it.
DELETE FROM read_models.parked_streams
WHERE target = $1 AND projection = $2 AND stream = $3
