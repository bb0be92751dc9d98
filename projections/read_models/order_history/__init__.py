"""The read model `order_history`."""
