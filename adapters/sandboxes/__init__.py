"""A payment provider and a carrier for trying things out: HTTP services with durable ledgers."""
