-- The role that owns this database's schemas; NULL if none was made yet.
SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'installation';
