"""The trail of a saga: failures, operator actions and how it ended."""
