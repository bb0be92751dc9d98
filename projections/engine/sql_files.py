"""SQL files, one statement each, headed by a sentence; `{schema}` stands for the target schema."""

import re
from functools import lru_cache
from importlib.resources import files

_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@lru_cache(maxsize=512)
def statement(folder: str, name: str, schema: str = "read_models") -> str:
    """The text of `projections/<folder>/<name>.sql` for the tables in `schema`.

    Raises:
        ValueError: `schema` is no plain lower-case name.
    """
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} is no plain schema name")
    text = files("projections").joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{schema}", schema)
