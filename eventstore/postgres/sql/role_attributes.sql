-- Whether somebody can log in as a role, or bypass all rights with it; no row if there is none.
SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = $1;
