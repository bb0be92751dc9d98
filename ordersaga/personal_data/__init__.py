"""Keys of personal data in PostgreSQL, and erasing somebody by destroying them."""
