"""Upgrades of the schema `incidents`."""
