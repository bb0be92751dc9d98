"""The read models, one folder each: its fold, its queries, its SQL."""
