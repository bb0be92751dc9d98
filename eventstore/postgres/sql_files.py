"""Statements stand in files beside this module; loaded once, at import."""

from importlib.resources import files


def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return files("eventstore.postgres.sql").joinpath(f"{name}.sql").read_text()
