"""``if_parcel_left`` of the order document: what to do if the parcel has left before an undo."""

from typing import Annotated, Any, Literal

from pydantic import Field

from domain.parcel_left import IfLeft

IfParcelLeft = Annotated[
    Literal["ask", "ship_and_collect"] | None,
    Field(
        description="what to do if the parcel has left before the order is undone; ask: a person "
        "decides; ship_and_collect: ship it and collect the money; omitted: what the "
        "installation's setting says, which by default is to ask"
    ),
]


def if_left_rule(word: str | None) -> IfLeft | None:
    """The rule as a domain value; None: the installation's setting decides."""
    return IfLeft(word) if word else None


def if_left_json(rule: IfLeft | None) -> dict[str, Any]:
    """The rule as a part of the document; empty if there is none."""
    return {"if_parcel_left": rule.value} if rule else {}
