"""Tools for operators: sagas, jobs, recovery, verification, doctor."""
