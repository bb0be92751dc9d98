"""Read model `product_demand`."""
