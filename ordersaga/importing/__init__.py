"""Turns the invoice lines of a shop into orders: read, check each line, group, submit."""
