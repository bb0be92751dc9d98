"""Stock, one item per SKU: what is on hand, reserved, and waited for."""
