-- Which definition a target's tables of a projection were made from.
SELECT version FROM read_models.versions WHERE target = $1 AND projection = $2
