-- The names of all migrations applied so far.
SELECT name FROM installation.applied_migrations;
