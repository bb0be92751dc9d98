-- For lists of a kind, newest first.
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, sequence)
