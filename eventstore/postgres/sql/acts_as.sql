-- Whether this login has the rights of a role without asking for them.
SELECT pg_has_role($1, 'USAGE');
