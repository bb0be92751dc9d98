"""What each role of a database may do, as the files of the schemas grant it.

A file named ``…_rights.sql`` holds nothing but statements of one form, so that programs can read in
it what a login must be able to do::

    GRANT right, right ON [SCHEMA | FUNCTION] object, object TO :"role", :"role";
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from eventstore.postgres.roles import Connection
from eventstore.postgres.sql_files import statement

_GRANT: Final = re.compile(
    r"GRANT (?P<rights>[A-Z, ]+) ON (?P<kind>SCHEMA |FUNCTION )?(?P<objects>[a-z0-9_., ]+) "
    r'TO (?P<roles>:"[a-z]+"(?:, :"[a-z]+")*)'
)
_NOT_HELD: Final = statement("rights_not_held")


@dataclass(frozen=True, slots=True)
class Right:
    """One right of one role.

    Attributes:
        role: its kind, such as ``reader``.
        kind: ``table`` (also a view or a sequence), ``schema`` or ``function``.
        object: its name with its schema.
        right: such as ``SELECT``.
    """

    role: str
    kind: str
    object: str
    right: str

    def __str__(self) -> str:
        return f"{self.right.lower()} on {self.object}"


def rights_in(sql: str) -> list[Right]:
    """The rights that a file grants.

    Raises:
        ValueError: it holds something else.
    """
    text = " ".join(re.sub(r"--[^\n]*", "", sql).split())
    return [right for grant in text.split(";") if grant.strip() for right in _granted(grant)]


def _granted(grant: str) -> Iterable[Right]:
    match = _GRANT.fullmatch(grant.strip())
    if match is None:
        raise ValueError(f"not a grant of the known form: {grant.strip()}")
    kind = (match["kind"] or "table").strip().lower()
    for role in re.findall("[a-z]+", match["roles"]):
        for name in match["objects"].split(", "):
            for right in match["rights"].split(", "):
                yield Right(role, kind, name.strip(), right)


async def not_held(connection: Connection, rights: Sequence[Right]) -> list[Right]:
    """Those of the rights that the login of a connection lacks; what does not exist needs none."""
    rows = await connection.fetch(
        _NOT_HELD,
        [right.kind for right in rights],
        [right.object for right in rights],
        [right.right for right in rights],
    )
    return [rights[row["number"] - 1] for row in rows]
