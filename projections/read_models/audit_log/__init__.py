"""The read model `audit_log`."""
