-- A request as it stands.
SELECT fingerprint, run_id, status, answer
FROM access.requests
WHERE subject = $1 AND key = $2
