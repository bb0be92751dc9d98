-- The object that the unended request of a key has made.
UPDATE saved SET object_id = :object_id WHERE key = :key
