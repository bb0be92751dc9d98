"""The event store's statements, one per file."""
