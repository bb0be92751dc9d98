"""The read model `current_orders`."""
