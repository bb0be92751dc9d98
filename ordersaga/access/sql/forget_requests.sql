-- Forget requests that began long ago, a bounded number at once.
DELETE FROM access.requests
WHERE (subject, key) IN (
    SELECT subject, key
    FROM access.requests
    WHERE begun_at < now() - $1::interval
    LIMIT $2
)
