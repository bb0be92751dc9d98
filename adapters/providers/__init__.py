"""What the payment and carrier adapters share: HTTP, wire formats, rules, fakes, faults."""
