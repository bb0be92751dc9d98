-- What is known of an idempotency key.
SELECT fingerprint, endpoint, object_id, request_id, status, body FROM saved WHERE key = :key
