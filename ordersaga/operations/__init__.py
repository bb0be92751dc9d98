"""Operator tools: sagas, bulk commands, recovery, verification, doctor."""
