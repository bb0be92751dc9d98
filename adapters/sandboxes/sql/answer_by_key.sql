-- The first answer to a key, if any.
SELECT fingerprint, body FROM answers WHERE key = :key
