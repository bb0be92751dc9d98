"""The statements of the control tables."""
