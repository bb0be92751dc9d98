"""The findings of the watchdog: what they are, and the table that keeps them."""
