-- Whether this login is a member of a role and inherits its rights.
SELECT pg_has_role($1, 'USAGE');
