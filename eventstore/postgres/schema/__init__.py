"""The event store's schema as it is now, in order of the files' names; new databases get this."""
