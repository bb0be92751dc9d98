-- Whether a role is a member of another one.
SELECT pg_has_role($1::name, $2::name, 'MEMBER');
