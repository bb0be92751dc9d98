"""An append-only event store: optimistic concurrency, a gap-free feed, snapshots, command handling.

Knows neither orders nor Temporal.
"""
