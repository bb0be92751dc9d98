-- The payment or label with an idempotency key.
SELECT body FROM records WHERE key = :key
