"""The questions of `ordersaga doctor` to PostgreSQL."""
