-- For removing keys that are too old.
CREATE INDEX IF NOT EXISTS saved_created ON saved (created)
