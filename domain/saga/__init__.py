"""The saga's own record: its steps, failures, operator actions and end."""
