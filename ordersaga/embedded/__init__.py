"""The servers that `ordersaga up` runs on one machine."""
