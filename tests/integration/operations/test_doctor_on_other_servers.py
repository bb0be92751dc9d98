"""What `doctor` says of servers that are of another kind: a standby, a full one, one with TLS."""
