-- Which definitions a target's tables were made from.
SELECT projection, version
FROM read_models.versions
WHERE target = $1 AND projection = ANY ($2)
