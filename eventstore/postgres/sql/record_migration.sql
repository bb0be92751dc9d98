-- Record that migrations were applied.
INSERT INTO installation.applied_migrations (name) SELECT unnest($1::text[]);
