"""Patterns of mapping files."""

import re
from functools import cache


def like(pattern: str, text: str) -> bool:
    """Whether the whole text is like the regular expression, whatever its case."""
    return compiled(pattern).fullmatch(text) is not None


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression, for whole texts whatever their case."""
    return re.compile(pattern, re.IGNORECASE)
