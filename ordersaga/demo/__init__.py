"""What `ordersaga demo` runs: real orders through the embedded stack, and what became of them."""
