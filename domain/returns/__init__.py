"""Returns: goods of completed orders that come back, and money that is refunded for them."""
