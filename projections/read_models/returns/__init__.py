"""The read model `returns`."""
