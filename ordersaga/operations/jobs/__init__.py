"""Jobs: one act on many orders, from its selection to its results."""
