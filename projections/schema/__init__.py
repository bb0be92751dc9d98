"""The current control tables and outbox; new databases are created from this."""
