-- Save the position of a reader.
INSERT INTO eventstore.checkpoints (name, lane, position) VALUES ($1, 0, $2)
ON CONFLICT ON CONSTRAINT checkpoints_key DO UPDATE
SET position = excluded.position, updated_at = clock_timestamp();
