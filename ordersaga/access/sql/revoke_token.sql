-- Revoke a token; the first revocation stands. No row if there is no such token.
UPDATE access.tokens
SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $2)
WHERE id = $1
RETURNING id, name, role, scopes, created_at, created_by, expires_at, revoked_at, revoked_by
