"""SQL files: one statement each, beside the Python that runs it.

A module binds its own folder once: `_sql = partial(statement, __package__)`.
"""

import re
from functools import lru_cache
from importlib.resources import files

_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@lru_cache(maxsize=512)
def statement(package: str, name: str, schema: str = "read_models") -> str:
    """The text of `<name>.sql` in a package; `{schema}` in it becomes `schema`.

    Raises:
        ValueError: `schema` is not a plain lower-case name.
    """
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is not a plain schema name")
    text = files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{schema}", schema)
