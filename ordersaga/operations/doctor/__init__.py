"""`ordersaga doctor`: checks everything that ordersaga needs, and says what to do about it."""
