"""Activities of task queue `shipping`."""
