"""Migrations of the key vault, in order of their names."""
