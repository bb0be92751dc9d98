"""A request to place an order, by the idempotency key under which it was made."""
