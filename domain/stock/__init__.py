"""Stock, one item for each SKU: on hand, reserved and waited for."""
