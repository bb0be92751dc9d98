"""The event store's statements, one a file."""
