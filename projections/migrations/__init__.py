"""Numbered SQL files that make the projections' control tables; only ever added to."""
