"""The schema `watchdog` of a new database."""
