-- The names of all migrations applied so far.
SELECT name FROM public.applied_migrations;
