"""Sinks of notifications: webhooks with CloudEvents, or the log."""
