"""Upgrades of the schema `watchdog`."""
