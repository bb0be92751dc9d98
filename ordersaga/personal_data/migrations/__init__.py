"""Migrations: numbered SQL files that bring older databases up to `schema/`."""
