"""The table of identities of a new database."""
