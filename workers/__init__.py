"""Temporal workers per task queue, the workflow sandbox, the data converter, and replay."""
