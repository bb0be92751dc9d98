"""Personal data inside stored events: sealed with a key per person, redacted when it is gone."""
