-- The repair of a request, else the same one that has not ended yet.
SELECT id
FROM read_models.repairs
WHERE request_id = $1
   OR (projection = $2 AND version = $3 AND kind = $4 AND stream = $5 AND ended_at IS NULL)
ORDER BY request_id = $1 DESC
LIMIT 1
