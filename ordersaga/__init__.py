"""The composition root: command line, settings, wiring, typed client and the embedded stack.

Nothing imports it.
"""
