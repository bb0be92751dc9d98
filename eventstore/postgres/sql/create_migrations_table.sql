-- The table of the migrations that were applied to this database.
CREATE TABLE installation.applied_migrations (
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT applied_migrations_key PRIMARY KEY (name)
);
