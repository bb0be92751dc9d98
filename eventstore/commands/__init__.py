"""Command handling: load, decide, append."""
