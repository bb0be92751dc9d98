-- Record that a migration was applied.
INSERT INTO installation.applied_migrations (name) VALUES ($1);
