-- A token by its id.
SELECT id, digest, name, role, scopes, created_at, created_by, expires_at, revoked_at, revoked_by
FROM access.tokens
WHERE id = $1
