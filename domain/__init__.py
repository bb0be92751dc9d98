"""The rules of the shop, without I/O: one folder for each subject, and the values they share.

Imports nothing but the standard library.
"""
