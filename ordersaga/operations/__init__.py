"""Tools for operators: sagas, bulk commands, recovery, verification, doctor."""
