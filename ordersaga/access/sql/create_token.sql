-- Keep a new token.
INSERT INTO access.tokens (id, digest, name, role, scopes, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
RETURNING id, name, role, scopes, created_at, created_by, expires_at, revoked_at, revoked_by
