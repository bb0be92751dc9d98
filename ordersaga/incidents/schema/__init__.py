"""The schema `incidents` of a new database."""
