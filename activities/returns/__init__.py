"""Activities, rules and messages of returns."""
