"""What all provider adapters share: HTTP, wire formats, rules, fakes, faults."""
