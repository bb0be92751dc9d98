-- The streams that exist and are not archived, with their versions.
SELECT name, version FROM eventstore.streams
WHERE name = ANY ($1) AND version > 0 AND archived_version IS NULL;
