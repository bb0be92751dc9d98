"""Text that is safe to print on a terminal."""

import unicodedata


def printable(text: object) -> str:
    """`text` on one line, without control characters."""
    flat = " ".join(str(text).split())
    return "".join(c for c in flat if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
