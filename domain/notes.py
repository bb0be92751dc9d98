"""Texts that explain, for people: cut to what is kept, never refused."""

import re
from typing import Final

MAX_NOTE: Final = 2_000
_MORE: Final = " …"
# NUL and lone surrogates cannot be stored; other control characters can steer a terminal.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def cut(text: str, max_length: int = MAX_NOTE) -> str:
    """The text as it can be stored and shown.

    Control characters except tabs and line feeds become question marks. A text that is longer
    than `max_length` characters ends with an ellipsis.
    """
    if len(text) > max_length:
        text = text[: max_length - len(_MORE)] + _MORE
    return _UNSAFE.sub("?", text)
