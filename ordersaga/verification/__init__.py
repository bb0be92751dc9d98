"""Proving the invariants from events, providers' ledgers, sagas and read models."""
