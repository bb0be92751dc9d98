-- Whether a role can log in, and whether it is a superuser; no row if it does not exist.
SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = $1;
