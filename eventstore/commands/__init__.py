"""Command handling: load states, decide, append; concurrent commands are batched."""
