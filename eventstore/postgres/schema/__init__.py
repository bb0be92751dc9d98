"""The event store's migrations: numbered SQL files, applied once each, in order, forward only."""
