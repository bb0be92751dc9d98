-- The versions of projections that a target's tables belong to.
SELECT projection, version
FROM read_models.versions
WHERE target = $1 AND projection = ANY ($2)
