-- Name the time since the last crash, unless somebody has.
INSERT INTO read_models.era DEFAULT VALUES ON CONFLICT DO NOTHING
