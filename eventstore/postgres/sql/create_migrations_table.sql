-- Which migrations this database has.
CREATE TABLE IF NOT EXISTS public.applied_migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
