-- Whether a role may make schemas in this database.
SELECT has_database_privilege($1, current_database(), 'CREATE');
