"""Measurements; not shipped in the wheel."""
