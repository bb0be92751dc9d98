"""Turning a shop's invoice lines into orders: read, judge each line, group, submit."""
