"""Activities of task queue `orders`."""
