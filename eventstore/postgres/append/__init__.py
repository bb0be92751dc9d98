"""Appends to PostgreSQL."""
