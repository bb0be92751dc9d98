"""Read model `current_orders`."""
