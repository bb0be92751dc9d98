-- The version of a projection that a target's tables belong to.
SELECT version FROM read_models.versions WHERE target = $1 AND projection = $2
