-- Whether everybody may create temporary tables in this database.
SELECT has_database_privilege('public', current_database(), 'TEMPORARY');
