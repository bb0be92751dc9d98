"""Statements of the key vault."""
