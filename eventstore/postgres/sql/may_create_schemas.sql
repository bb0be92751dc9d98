-- Whether a role may create schemas in this database.
SELECT has_database_privilege($1, current_database(), 'CREATE');
