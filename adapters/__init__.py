"""The concrete side of the ports: event codec, payment and carrier clients, and the sandboxes they can talk to."""
