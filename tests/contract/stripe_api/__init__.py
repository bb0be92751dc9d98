"""What Stripe documents of its API, tried on the stand-in with Stripe's own package."""
