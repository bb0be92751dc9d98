-- The role that owns this database's schemas; NULL before the first migration.
SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'installation';
