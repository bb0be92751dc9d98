"""Replays and rebuilds on request: who may not write read models asks for them."""
