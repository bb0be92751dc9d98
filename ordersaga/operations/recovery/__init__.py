"""Restarting what Temporal has lost, from the event store alone."""
