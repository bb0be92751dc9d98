"""Upgrades of the table of identities."""
