-- Every object, numbered in the order of creation. `indexed` is what the search knows of it.
CREATE TABLE IF NOT EXISTS objects (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT,
    created INTEGER NOT NULL,
    due_at REAL,
    index_at REAL,
    body TEXT NOT NULL,
    indexed TEXT
)
