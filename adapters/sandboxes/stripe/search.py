"""The search of payment intents, which sees changes late.

https://docs.stripe.com/search: "Don't use search for read-after-write flows"; clauses
`field:'value'`, numeric comparisons, `~` for substrings, `-` for not, joined by AND or by OR, not
by both. Texts are compared without regard to case. Not available to accounts in India.
"""

import operator
import re
from collections.abc import Callable
from typing import Any, Final

from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.errors import Body, StripeRefusal, invalid
from adapters.sandboxes.stripe.form import Params
from adapters.sandboxes.stripe.lists import limit
from adapters.sandboxes.stripe.objects import INTENT

_CLAUSE: Final = re.compile(
    r"\s*(?P<not>-?)(?P<field>\w+)(?:\[(?P<quote>['\"])(?P<key>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\])?"
    r"\s*(?P<op>:|~|>=|<=|>|<)\s*"
    r"(?:'(?P<single>(?:\\.|[^'\\])*)'|\"(?P<double>(?:\\.|[^\"\\])*)\"|(?P<bare>-?\w+))\s*"
)
_JOINT: Final = re.compile(r"(AND|OR)?\b", re.IGNORECASE)
_NUMBERS: Final = frozenset({"amount", "created"})
_TEXTS: Final = frozenset({"currency", "customer", "status"})
_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    ":": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_Test = Callable[[Body], bool]


def search(call: ApiCall) -> Body:
    """A page of the payment intents that match a query, as the search knows them.

    Raises:
        StripeRefusal: this account cannot search, or the query is wrong.
    """
    params = Params(call.values, ("expand", "limit", "page", "query"))
    query = params.required("query")
    if call.settings.search == "refused":
        raise StripeRefusal(400, "The search is not available for this account.")
    matches = parse(query)
    size, start = limit(params), _start(params)
    results = [each for each in call.books.indexed(INTENT) if matches(each)]
    page = results[start : start + size]
    has_more = len(results) > start + size
    return {
        "object": "search_result",
        "data": page,
        "has_more": has_more,
        "next_page": f"page_{start + size}" if has_more else None,
        "url": "/v1/payment_intents/search",
    }


def parse(query: str) -> _Test:
    """What a query asks of a payment intent.

    Raises:
        StripeRefusal: it cannot be read.
    """
    tests, joints, at = [], set(), 0
    while at < len(query):
        match = _CLAUSE.match(query, at)
        if match is None:
            raise invalid(f"We were unable to parse your search query at {query[at:]!r}.", "query")
        tests.append(_test_of(match))
        at = match.end()
        joint = _JOINT.match(query, at)
        if at < len(query) and joint is not None:
            joints.add((joint[1] or "AND").upper())
            at = joint.end()
    if not tests or len(joints) > 1:
        raise invalid("A query has clauses joined by AND, or by OR, but not by both.", "query")
    join = any if joints == {"OR"} else all
    return lambda intent: join(test(intent) for test in tests)


def _test_of(match: re.Match[str]) -> _Test:
    value = next(v for v in (match["single"], match["double"], match["bare"]) if v is not None)
    test = _positive(match, re.sub(r"\\(.)", r"\1", value))
    return (lambda intent: not test(intent)) if match["not"] else test


def _positive(match: re.Match[str], value: str) -> _Test:
    field, key, sign = match["field"], match["key"], match["op"]
    if field in _NUMBERS and key is None and sign in _COMPARE:
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise invalid(f"Field `{field}` takes a number.", "query")
        return lambda intent: _COMPARE[sign](intent[field], int(value))
    if field == "metadata" and key is not None and sign in (":", "~"):
        name = re.sub(r"\\(.)", r"\1", key)
        return lambda intent: _same(intent["metadata"].get(name), value, sign)
    if field in _TEXTS and key is None and sign == ":":
        return lambda intent: _same(intent[field], value, sign)
    raise invalid(f"Field `{field}` is an unsupported search field or comparison.", "query")


def _same(stored: Any, value: str, sign: str) -> bool:
    if not isinstance(stored, str):
        return False
    stored, value = stored.casefold(), value.casefold()
    return value in stored if sign == "~" else stored == value


def _start(params: Params) -> int:
    page = params.text("page") or "page_0"
    if not re.fullmatch(r"page_\d{1,9}", page):
        raise invalid("Invalid page", "page")
    return int(page.removeprefix("page_"))
