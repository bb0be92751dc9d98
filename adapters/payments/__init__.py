"""Payment providers: HTTP and Stripe."""
