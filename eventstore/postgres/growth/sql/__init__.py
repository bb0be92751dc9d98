"""Statements of growth, one file each."""
