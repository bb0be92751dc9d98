"""The key vault's schema as it is now; new databases get this."""
