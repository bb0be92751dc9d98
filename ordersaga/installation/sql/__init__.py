"""Statements on the table of identities."""
