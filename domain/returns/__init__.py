"""Returns: goods and money of completed orders that go back."""
