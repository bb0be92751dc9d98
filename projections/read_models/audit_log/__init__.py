"""Read model `audit_log`."""
