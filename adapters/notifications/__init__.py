"""Where notifications go: webhooks with CloudEvents, or the log."""
