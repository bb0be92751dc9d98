"""Expanding ids into their objects.

https://docs.stripe.com/api/expanding_objects: in lists from `data.` on, at most four levels deep.
"""

from collections.abc import Sequence
from typing import Any, Final

from adapters.sandboxes.stripe.books import Books
from adapters.sandboxes.stripe.errors import Body, invalid
from adapters.sandboxes.stripe.objects import CHARGE, INTENT, METHOD

_DEEPEST: Final = 4
_FIELDS: Final = {
    ("payment_intent", "latest_charge"): CHARGE,
    ("payment_intent", "payment_method"): METHOD,
    ("charge", "payment_intent"): INTENT,
    ("refund", "charge"): CHARGE,
    ("refund", "payment_intent"): INTENT,
}
_NULL_ONLY: Final = frozenset(
    {"customer", "application", "on_behalf_of", "review", "balance_transaction"}
)


def expand(books: Books, body: Body, paths: Sequence[str]) -> Body:
    """`body` with the objects that `paths` name.

    Raises:
        StripeRefusal: a path cannot be expanded.
    """
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise invalid(f"You cannot expand more than {_DEEPEST} levels of a property", "expand")
        is_list = body["object"] in ("list", "search_result")
        if is_list and parts[0] != "data":
            raise _refusal(path)
        for each in body["data"] if is_list else [body]:
            _expand(books, each, parts[1:] if is_list else parts, path)
    return body


def needed_rights(paths: Sequence[str]) -> set[str]:
    """The rights to read what the paths name."""
    names = {part for path in paths for part in path.split(".")}
    charges = {"charge", "latest_charge"} & names
    return ({"rak_charge_read"} if charges else set()) | (
        {"rak_payment_method_read"} if "payment_method" in names else set()
    )


def _expand(books: Books, body: Body, parts: Sequence[str], path: str) -> None:
    if not parts:
        return
    name, kind = parts[0], _FIELDS.get((body["object"], parts[0]))
    if kind is None and name not in _NULL_ONLY:
        raise _refusal(path)
    value: Any = body.get(name)
    if isinstance(value, str) and kind is not None:
        value = body[name] = books.find(kind, value)
    if isinstance(value, dict):
        _expand(books, value, parts[1:], path)


def _refusal(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", "expand")
