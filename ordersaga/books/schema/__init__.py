"""The schema `books` of a new database."""
