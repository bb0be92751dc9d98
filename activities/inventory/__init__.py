"""Activities of task queue `inventory`."""
