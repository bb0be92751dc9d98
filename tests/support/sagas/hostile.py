"""Values that others' programs send by mistake or on purpose."""

import json
from typing import Any, Final

from hypothesis import strategies as st

TEXTS: Final = [
    *["", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202eevil", "\u200b\u200d", "\ufeff"],
    *["x" * 5_000, "\n", "a\nb", "\x1b[31m", "\u2028", "'; DROP TABLE events;--", "null", "A1\n"],
    *["UK", "QQQ", "gbp", "Ann ", " London", "\u3164", "👩\u200d🚀", "١٢٣", "NaN", "-0"],
]
TIMES: Final = [
    *["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"],
    *["0000-00-00T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "1970-01-01T00:00Z"],
    *["2026-01-01T00:00:00", "2026-01-01T00:00:00+99:00", "2026-01-01", "1767225600", "now"],
    *["2026-06-30T23:59:60Z", "2026-01-01T00:00:00.123456789+05:30", "2000-01-01T00:00:00+14:00"],
    *["2099-12-31T23:59:59-14:00", "+10000-01-01T00:00:00Z", "2026-01-02T03:04:05+00:00"],
]
NUMBERS: Final = [
    *[0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**15, 10**15 + 1, 10**400],
    *[1.0, 1.5, 1e-300, 1e300, -0.0, True, False],
]

# JSON texts that no Python value gives.
JSON: Final[list[bytes]] = [
    *[b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"NaN", b'{"a": Infinity}', b'{"a": 1e999}'],
    *[b"[" * 50_000, b'{"a":' * 50_000, b"[" * 300 + b"]" * 300, b'"' + b'\\"' * 50_000],
    *[b'{"actor": "a", "actor": "b"}', b'{"a": ' + b"9" * 100_000 + b"}", b'{"a": "\\ud800"}'],
    *[b'{"\\u0000": 1}', b'{"__proto__": {}}', b"null", b"[]", b'"text"', b"5"],
]


def values() -> st.SearchStrategy[Any]:
    """Any JSON value, or something like it."""
    leaves = (
        st.sampled_from([*TEXTS, *TIMES, *NUMBERS, None])
        | st.text(max_size=20)
        | st.integers()
        | st.floats()
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=6,
    )


@st.composite
def changed(draw: st.DrawFn, good: Any) -> bytes:
    """The JSON text of `good` with a value replaced, taken out, or named twice; or of no object."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(JSON) | st.binary(max_size=40))
    content = json.loads(json.dumps(good))
    parent, key = draw(st.sampled_from(list(_places(content))))
    act = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add", "twice"]))
    if act == "remove":
        del parent[key]
    elif act == "replace":
        parent[key] = draw(values())
    elif isinstance(parent, dict):
        parent[draw(st.sampled_from(TEXTS)) if act == "add" else f"{key} twice"] = draw(values())
    text = json.dumps(content)
    return (text.replace(f'"{key} twice"', f'"{key}"') if act == "twice" else text).encode()


def _places(content: Any) -> Any:
    """Every place in the value, as the container and the key."""
    for key in list(content) if isinstance(content, dict) else range(len(content)):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])
