-- Snapshots of several streams in one schema version.
SELECT stream, version, schema_version, data
FROM eventstore.snapshots
WHERE stream = ANY ($1) AND schema_version = $2;
