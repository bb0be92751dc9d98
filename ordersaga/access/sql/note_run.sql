-- Note the run that a request is sent to; the first one stands.
UPDATE access.requests
SET run_id = coalesce(run_id, $3)
WHERE subject = $1 AND key = $2
RETURNING run_id
