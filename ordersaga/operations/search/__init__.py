"""Search by anything that names an order."""
