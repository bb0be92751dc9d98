"""The current schema of the key vault, for new databases."""
