"""The read model `customer_orders`."""
