"""Parameters of a request: nested form fields, read strictly.

`created[gte]=1`, `metadata[order_id]=A1` and `expand[]=latest_charge` become nested values, as in
https://docs.stripe.com/api.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from adapters.sandboxes.stripe.errors import Body, invalid

_MOST_KEYS: Final = 50
_LONGEST_KEY: Final = 40
_LONGEST_VALUE: Final = 500
_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER: Final = re.compile(r"-?\d{1,18}", re.ASCII)


def parse_form(pairs: Iterable[tuple[str, str]]) -> Body:
    """The nested values of form fields.

    Raises:
        StripeRefusal: a name cannot be read.
    """
    values: Body = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")
        _put(values, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value, name)
    return values


def _put(values: Body, path: Sequence[str], value: str, name: str) -> None:
    for part in path[:-1]:
        child = values.setdefault(part, {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid object: {name}", name)
        values = child
    last = path[-1]
    values[str(len(values)) if last == "" else last] = value


class Params:
    """The parameters of one request.

    Args:
        values: nested, of `parse_form`.
        names: what the endpoint takes.

    Raises:
        StripeRefusal: another parameter was sent.
    """

    def __init__(self, values: Body, names: Iterable[str]) -> None:
        unknown = sorted(set(values) - set(names))
        if unknown:
            listed = ", ".join(unknown)
            raise invalid(f"Received unknown parameter: {listed}", unknown[0], "parameter_unknown")
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def is_nested(self, name: str) -> bool:
        """Whether a hash was sent, not a text."""
        return isinstance(self._values.get(name), dict)

    def text(self, name: str, longest: int = 5000) -> str | None:
        """A text, None if it was not sent; an empty one is refused."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {name}", name)
        if value == "":
            raise invalid(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to"
                f" unset a parameter; however '{name}' cannot be unset.",
                name,
                "parameter_invalid_empty",
            )
        if len(value) > longest:
            raise invalid(f"Invalid string: {name}; must be at most {longest} characters", name)
        return value

    def required(self, name: str) -> str:
        """A text that must be sent."""
        value = self.text(name)
        if value is None:
            raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
        return int(value)

    def boolean(self, name: str) -> bool:
        """Whether something is `true`."""
        return self.choice(name, ("true", "false")) == "true"

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """One of some words."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", name)
        return value

    def nested(self, name: str) -> Body:
        """A hash; empty if it was not sent."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise invalid("Invalid object", name)
        return value

    def array(self, name: str) -> list[str]:
        """A list of texts; empty if it was not sent."""
        value = self.nested(name)
        if not all(isinstance(item, str) for item in value.values()):
            raise invalid("Invalid array", name)
        return list(value.values())

    def metadata(self, before: Body) -> Body:
        """`before` with the sent metadata: an empty value removes its key, "" removes all.

        https://docs.stripe.com/api/metadata: 50 keys, names of 40 and values of 500 characters.
        """
        if self._values.get("metadata") == "":
            return {}
        sent = self.nested("metadata")
        for name, value in sent.items():
            _check_metadata(name, value)
        merged = {**before, **sent}
        kept = {name: value for name, value in merged.items() if value != ""}
        if len(kept) > _MOST_KEYS:
            raise invalid(f"Metadata can have at most {_MOST_KEYS} keys", "metadata")
        return kept


def _check_metadata(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise invalid("Metadata values must be strings", f"metadata[{name}]")
    if len(name) > _LONGEST_KEY:
        text = f"Metadata keys can have up to {_LONGEST_KEY} characters, but you passed in a key"
        raise invalid(f"{text} that is {len(name)} characters.", f"metadata[{name}]")
    if len(value) > _LONGEST_VALUE:
        text = f"Metadata values can have up to {_LONGEST_VALUE} characters, but you passed in a"
        raise invalid(f"{text} value that is {len(value)} characters.", f"metadata[{name}]")
