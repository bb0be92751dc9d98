"""Read model `returns`."""
