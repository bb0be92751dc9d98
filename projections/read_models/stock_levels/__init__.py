"""The read model `stock_levels`."""
