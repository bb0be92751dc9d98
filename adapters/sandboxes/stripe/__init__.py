"""A strict stand-in for Stripe: its API as documented, for what a shop's payments use."""
