-- The key vault stands apart from events and read models, so that it can have its own privileges.
CREATE SCHEMA personal_data;
