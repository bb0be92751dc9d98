"""Keys of personal data in PostgreSQL; destroying them erases the data."""
