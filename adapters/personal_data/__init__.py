"""Personal data in stored events: sealed with a key per person, redacted after an erasure."""
