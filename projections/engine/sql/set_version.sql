-- Record which definition a target's tables of a projection were made from.
INSERT INTO read_models.versions (target, projection, version)
VALUES ($1, $2, $3)
ON CONFLICT (target, projection) DO UPDATE SET version = excluded.version
