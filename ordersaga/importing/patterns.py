"""Patterns of mapping files."""

import re
from functools import cache


def like(pattern: str, text: str) -> bool:
    """Whether the whole text is like the regular expression, whatever its case."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
