"""Turns files of shops into orders: read, map, check, submit."""
