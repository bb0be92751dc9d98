"""The rules of the shop, pure: money, ids, commands, events and one module per aggregate.

Imports nothing but the standard library.
"""
