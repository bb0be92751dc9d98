"""Jobs: one act on many orders."""
