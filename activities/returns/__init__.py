"""Returns: activities of task queue `orders`, and rules and messages that others share."""
