"""Finding a payment of Stripe by our key: only for what is not known by its id.

Nothing that moves money depends on it: what is confirmed is known by its id. So it is bounded, and
right also without the right to search.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from stripe.params import PaymentIntentListParams

from activities.ports import GatewayUnavailable
from adapters.payments.stripe.calls import MissingRight, Refused, StripeCalls
from adapters.payments.stripe.records import KEY, IntentRecord, MatchRecord, read

_PAGE: Final = 100
_MOST_PAGES: Final = 5
# Stripe's search usually lags by less than a minute; younger payments than this are also listed.
_RECENT_S: Final = 300.0
# Stripe forgets a key after 24 hours; until then only a younger payment can stand in its way.
_KEY_KEPT_S: Final = 25 * 3600.0
# How long the right to search is not tried again after it was refused.
_NO_SEARCH_FOR_S: Final = 600.0


class Lookups:
    """Searches and lists payment intents.

    Args:
        calls: how Stripe is called.
        clock: seconds since the epoch.
    """

    def __init__(self, calls: StripeCalls, clock: Callable[[], float] = time.time) -> None:
        self._calls = calls
        self._clock = clock
        self._search_again_at = 0.0

    async def retrieve(self, reference: str, *, changes: bool = False) -> IntentRecord:
        """The payment intent with an id."""
        async with self._calls.calling("retrieve", changes=changes):
            answer = await self._calls.client.payment_intents.retrieve_async(
                reference, {"expand": ["latest_charge"]}
            )
        return read(answer, IntentRecord, changes=changes)

    async def by_key(self, key: str) -> IntentRecord | None:
        """The payment intent made with a key, if it is found: by search, then among recent ones."""
        can_search = self._clock() >= self._search_again_at
        if can_search and (intent := await self._search(key)):
            return intent
        searched = self._clock() >= self._search_again_at
        since = self._clock() - (_RECENT_S if searched else _KEY_KEPT_S)
        pages = 0
        async for page in self.pages(since):
            for item in page:
                if (intent := _readable(item)) and intent.metadata.get(KEY) == key:
                    return intent
            pages += 1
            if pages == _MOST_PAGES:
                return None
        return None

    async def pages(self, since: float | None = None) -> AsyncIterator[list[Any]]:
        """All payment intents as Stripe lists them, newest first; `since`: made after that."""
        after: str | None = ""
        while after is not None:
            async with self._calls.calling("list"):
                listed = await self._calls.client.payment_intents.list_async(
                    _page_after(after, since)
                )
            page = list(listed.data)
            yield page
            last = getattr(page[-1], "id", None) if page else None
            if listed.has_more and (not isinstance(last, str) or last == after):
                raise GatewayUnavailable("stripe list: the list does not go on")
            after = last if listed.has_more else None

    async def _search(self, key: str) -> IntentRecord | None:
        quoted = key.replace("\\", "\\\\").replace("'", "\\'")
        try:
            async with self._calls.calling("search", answers=(MissingRight,)):
                matches = await self._calls.client.payment_intents.search_async(
                    {"query": f"metadata['{KEY}']:'{quoted}'"}
                )
        except (MissingRight, Refused):
            self._search_again_at = self._clock() + _NO_SEARCH_FOR_S
            return None
        # Stripe's search takes another case of a letter for the same. And its result may be a
        # minute old: it identifies the payment, but not its state.
        matching = (read(match, MatchRecord, changes=False) for match in matches.data)
        exact = next((match for match in matching if match.metadata.get(KEY) == key), None)
        return await self.retrieve(exact.id) if exact else None


def _readable(item: Any) -> IntentRecord | None:
    try:
        return read(item, IntentRecord, changes=False)
    except GatewayUnavailable:
        return None


def _page_after(after: str, since: float | None) -> PaymentIntentListParams:
    page: PaymentIntentListParams = {"limit": _PAGE, "expand": ["data.latest_charge"]}
    if after:
        page["starting_after"] = after
    if since is not None:
        page["created"] = {"gte": int(since)}
    return page
