"""Read models that follow the event store, and the workers that keep them up to date, exactly once.

A read model is a module of its own: its table, how it applies events, its queries.
"""
