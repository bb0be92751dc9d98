"""The watchdog: compares the event store with Temporal."""
