"""Activities of task queue `payments`."""
