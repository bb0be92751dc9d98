"""`ordersaga verify`: the invariants and their proof."""
