"""The read model `parcels`."""
