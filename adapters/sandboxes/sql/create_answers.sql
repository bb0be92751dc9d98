-- The first answer to each idempotency key, with a fingerprint of the request.
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID
