"""Migrations: numbered SQL files that bring older databases to the state of `schema/`."""
