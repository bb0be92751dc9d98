"""The current schema of the event store, in file-name order; new databases are created from it."""
