"""Read models that follow the event store, and the workers that keep them up to date, exactly once.

Each read model is a folder: its tables, how it applies events, its queries.
"""
