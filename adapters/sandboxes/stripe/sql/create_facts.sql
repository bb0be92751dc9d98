-- The account: its moved clock, its settings, its restricted keys, as JSON.
CREATE TABLE IF NOT EXISTS facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID
