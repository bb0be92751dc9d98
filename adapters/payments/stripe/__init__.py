"""The payment provider Stripe, through its official package."""
