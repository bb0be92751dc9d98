-- The first answer to a key, if there was one.
SELECT fingerprint, body FROM answers WHERE key = :key
