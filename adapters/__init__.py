"""The concrete side of the ports.

- `event_codec`, `upcasters`: events as JSON.
- `http_payment`, `http_carrier`: the payment provider and the carrier over HTTP, as the sandboxes
  speak it; `stripe_payment`: the real provider Stripe; `log_notifications`.
- `fakes`: the same in memory; `sandboxes`: the same as HTTP services with ledgers of their own.
  Both share their rules (`provider_rules`) and their failures on purpose (`faults`).
"""
