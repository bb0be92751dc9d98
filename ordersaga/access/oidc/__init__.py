"""Tokens of an identity provider (OpenID Connect): its keys, its claims, and logging in with it."""
