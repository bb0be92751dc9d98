-- Store a snapshot unless a newer one is stored.
INSERT INTO eventstore.snapshots AS s (stream, schema_version, version, data)
VALUES ($1, $2, $3, $4)
ON CONFLICT ON CONSTRAINT snapshots_key DO UPDATE
SET version = excluded.version, data = excluded.data, taken_at = clock_timestamp()
WHERE s.version < excluded.version;
