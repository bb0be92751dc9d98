"""Read model `stock_levels`."""
