"""The read model `fulfillments`."""
