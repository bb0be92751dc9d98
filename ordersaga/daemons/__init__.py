"""The long-running processes: starter, notifier, signals, health."""
