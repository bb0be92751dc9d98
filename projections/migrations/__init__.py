"""Migrations: numbered SQL files that bring older databases to what `schema/` says."""
