-- Delete the record that a target has tables of a projection.
DELETE FROM read_models.versions WHERE target = $1 AND projection = $2
