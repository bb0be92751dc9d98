"""Upgrades of the schema `books`."""
