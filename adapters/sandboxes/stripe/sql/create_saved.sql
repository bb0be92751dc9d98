-- The answer to each idempotency key; `status` is null while the request has not ended.
CREATE TABLE IF NOT EXISTS saved (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    created REAL NOT NULL,
    object_id TEXT,
    request_id TEXT NOT NULL,
    status INTEGER,
    body TEXT
) WITHOUT ROWID
