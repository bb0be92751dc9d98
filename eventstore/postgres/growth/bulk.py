"""Bulk import: many appends, few transactions."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import asyncpg

from eventstore.encoding import PreparedAppend, prepare
from eventstore.model import StreamAppend
from eventstore.postgres.append.queue import MAX_EVENTS, call_together
from eventstore.postgres.append.slow_path import Outcome


async def append_many(
    pool: asyncpg.Pool, requests: Iterable[Sequence[StreamAppend]]
) -> AsyncIterator[Outcome | Exception]:
    """Append requests one after the other, about a thousand events in a transaction.

    Each request (one or several streams, all or nothing) succeeds, is recognised as a repetition
    or is refused on its own: its outcome is a result or the error that `EventStore.append` would
    have raised, in the order of the requests. Started again after it broke off, an import with
    the same event ids appends only what is missing. Readers that wait are not woken; they find
    the events when they poll.

    Raises:
        InvalidAppend: a request is malformed; those of earlier transactions are stored.
        StoreUnavailable: the outcome of the transaction under way is unknown; start again.
    """
    for batch in _batches(requests):
        for outcome in await call_together(pool, batch):
            yield outcome


def _batches(requests: Iterable[Sequence[StreamAppend]]) -> Iterator[list[PreparedAppend]]:
    batch: list[PreparedAppend] = []
    size = 0
    for appends in requests:
        request = prepare(appends)
        if batch and size + request.size > MAX_EVENTS:
            yield batch
            batch, size = [], 0
        batch.append(request)
        size += request.size
    if batch:
        yield batch
