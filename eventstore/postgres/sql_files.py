"""Loads SQL statements, one per file, once at import."""

from importlib.resources import files


def statement(name: str, package: str = "eventstore.postgres.sql") -> str:
    """The text of `<name>.sql` in a package."""
    return files(package).joinpath(f"{name}.sql").read_text()
