-- The name of the time since the last crash; no row until somebody begins it.
SELECT id FROM read_models.era
