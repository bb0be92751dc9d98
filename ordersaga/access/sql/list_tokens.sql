-- All tokens without their digests, the latest first.
SELECT id, name, role, scopes, created_at, created_by, expires_at, revoked_at, revoked_by
FROM access.tokens
ORDER BY created_at DESC, id
