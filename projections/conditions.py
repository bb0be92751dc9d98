"""The text of a list with nothing but the conditions that are asked for.

Under ``-- if NAME`` stands a condition, and under ``-- if NAME is VALUE`` that of one value. In a
text with all of them, each true if it is not asked for, PostgreSQL soon plans for none of them.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_IF: Final = re.compile(r"^ +-- if (.+)\n((?:(?! +-- if) .+\n)+)", re.MULTILINE)
_PLACE: Final = "{value}"


def with_conditions(query: str, asked_for: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Keep the conditions that are asked for.

    Args:
        query: a text with conditions, and one more place for a value: the number of rows.
        asked_for: the value of each condition, None: it is not asked for. A tuple has a value for
            each place of its condition; any other value is that of all of them.

    Returns:
        The text with numbers in the places, and the values in the order of these numbers but the
        last one.

    Raises:
        KeyError: the text has no such condition.
    """
    values: list[Any] = []
    conditions = {name: value for name, value in asked_for.items() if value is not None}
    names = {name for name, _ in _IF.findall(query)}
    for name, value in tuple(conditions.items()):
        if (special := f"{name} is {value}") in names:
            del conditions[name]
            conditions[special] = ()
    if unknown := conditions.keys() - names:
        raise KeyError(*unknown)

    def keep(condition: re.Match[str]) -> str:
        name, text = condition.groups()
        if name not in conditions:
            return ""
        value = conditions[name]
        for each in value if isinstance(value, tuple) else (value,) * text.count(_PLACE):
            values.append(each)
            text = text.replace(_PLACE, f"${len(values)}", 1)
        return text

    text = _IF.sub(keep, query)
    return text.replace(_PLACE, f"${len(values) + 1}"), values
