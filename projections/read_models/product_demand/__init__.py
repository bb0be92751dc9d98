"""The read model `product_demand`."""
