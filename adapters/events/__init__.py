"""The event codec and its upcasters."""
