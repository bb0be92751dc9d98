-- The id of the current era; no row until it has started.
SELECT id FROM read_models.era
