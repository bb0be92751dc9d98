-- Everything of the event store lives in a schema of its own.
CREATE SCHEMA eventstore;
