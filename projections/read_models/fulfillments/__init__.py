"""Read model `fulfillments`."""
