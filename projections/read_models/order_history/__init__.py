"""Read model `order_history`."""
