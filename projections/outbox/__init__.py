"""The outbox: which events become notifications, and their delivery state."""
