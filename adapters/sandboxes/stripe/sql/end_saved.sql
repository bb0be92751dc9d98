-- The answer of a key.
UPDATE saved SET status = :status, body = :body WHERE key = :key
