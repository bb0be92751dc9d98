"""Read model `customer_orders`."""
