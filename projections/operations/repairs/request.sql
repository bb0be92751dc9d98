-- Keep a request, unless it is kept already or the same repair has not ended yet.
INSERT INTO read_models.repairs
    (request_id, projection, version, kind, stream, requested_by, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
RETURNING id
