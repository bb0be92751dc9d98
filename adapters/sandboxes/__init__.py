"""A payment provider and a carrier to try things out with: HTTP services with durable ledgers."""
