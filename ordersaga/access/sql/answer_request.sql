-- Store the answer of a request; the first one stands, and is returned.
UPDATE access.requests
SET status = coalesce(status, $3), answer = coalesce(answer, $4)
WHERE subject = $1 AND key = $2
RETURNING status, answer
