-- Start an era, the time until the next crash, unless one has started.
INSERT INTO read_models.era DEFAULT VALUES ON CONFLICT DO NOTHING
