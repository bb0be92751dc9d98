-- Record the version of a projection that a target's tables belong to.
INSERT INTO read_models.versions (target, projection, version)
VALUES ($1, $2, $3)
ON CONFLICT (target, projection) DO UPDATE SET version = excluded.version
