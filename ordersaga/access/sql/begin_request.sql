-- Begin a request; no row if its key is in use.
INSERT INTO access.requests (subject, key, fingerprint)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING run_id
