"""Read model `parcels`."""
