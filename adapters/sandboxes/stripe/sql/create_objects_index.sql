-- For changes that the search does not know yet.
CREATE INDEX IF NOT EXISTS objects_index ON objects (index_at) WHERE index_at IS NOT NULL
