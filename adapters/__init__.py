"""Implementations of the ports.

- `events`: domain events as JSON, and upcasters.
- `payments`, `shipping`: the payment provider and the carrier, over HTTP or Stripe.
- `providers`: what they share, and in-memory fakes.
- `sandboxes`: a payment provider and a carrier as HTTP services with durable ledgers. Fakes and
  sandboxes share their rules and injected faults.
- `notifications`: webhooks with CloudEvents, or the log.
- `personal_data`: an event store that encrypts personal data.
"""
