"""An event store that seals personal fields when it appends and opens them when it reads.

Its users see plain values, or redacted ones after an erasure. The store that it wraps, which can be
any `EventStore`, holds sealed ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from adapters.personal_data.fields import (
    PERSONAL_CATEGORIES,
    PERSONAL_FIELDS,
    Fields,
    subject_in,
    value_at,
    with_value,
)
from adapters.personal_data.keys import DataKey, KeyVault
from adapters.personal_data.reading import ReadingThrough
from adapters.personal_data.recent import Recent
from adapters.personal_data.sealing import key_id_of, place_of_field, redacted, seal, unseal
from domain.values import Redaction
from eventstore.encoding import prepare
from eventstore.model import (
    AppendResult,
    JsonObject,
    NewEvent,
    Snapshot,
    StoredEvent,
    StreamAppend,
    category_of,
)
from eventstore.store import EventStore

_CACHED_SUBJECTS: Final = 10_000


class PersonalDataStore(ReadingThrough):
    """An `EventStore` that wraps another one, which never sees personal data.

    Event ids are not sealed, so a repeated append is recognised. Events that were stored in plain
    text stay readable.

    Args:
        inner: the store with the events.
        vault: the keys; use a cache, because every page needs them.
        fields: which fields are personal.
        personal_categories: categories whose streams have no snapshots.
        sealing: if False, new events are stored in plain text; sealed ones are still opened.
    """

    def __init__(
        self,
        inner: EventStore,
        vault: KeyVault,
        *,
        fields: Fields = PERSONAL_FIELDS,
        personal_categories: frozenset[str] = PERSONAL_CATEGORIES,
        sealing: bool = True,
    ) -> None:
        super().__init__(inner, fields)
        self._vault = vault
        self._personal_categories = personal_categories
        self._sealing = sealing
        self._subjects: Recent[str, str] = Recent(_CACHED_SUBJECTS)

    def forget(self) -> None:
        """Remember of no stream whose it is: the store goes on with another history."""
        self._subjects.clear()

    # --- appending -------------------------------------------------------------------------------

    async def append(self, *appends: StreamAppend) -> AppendResult:
        """See `EventStore.append`.

        Raises:
            PersonalDataError: a data key cannot be opened.
        """
        return await self._inner.append(*await self._sealed(appends))

    async def _sealed(self, appends: Sequence[StreamAppend]) -> Sequence[StreamAppend]:
        personal = [append for append in appends if self._is_personal(append)]
        if not personal or not self._sealing:
            return appends
        prepare([self._personal_part(append) for append in personal])  # once sealed, all is valid
        subjects = {append.stream: await self._subject_of(append) for append in personal}
        keys = await self._vault.keys_for(set(subjects.values()))
        return [
            self._sealed_append(append, keys[subjects[append.stream]])
            if append.stream in subjects
            else append
            for append in appends
        ]

    def _is_personal(self, append: StreamAppend) -> bool:
        return any(event.event_type in self._fields for event in append.events)

    def _personal_part(self, append: StreamAppend) -> StreamAppend:
        events = [event for event in append.events if event.event_type in self._fields]
        return StreamAppend(append.stream, append.expected, events)

    async def _subject_of(self, append: StreamAppend) -> str:
        for event in append.events:
            subject = subject_in(append.stream, event.event_type, event.data)
            if subject is not None:
                return subject
        return await self._subject_of_stream(append.stream)

    async def _subject_of_stream(self, stream: str) -> str:
        cached = self._subjects.get(stream)
        if cached is not None:
            return cached
        for event in await self._inner.read_stream(stream, limit=1):
            subject = subject_in(stream, event.event_type, event.data) or stream
            self._subjects.put(stream, subject)
            return subject
        return stream

    def _sealed_append(self, append: StreamAppend, key: DataKey) -> StreamAppend:
        events = [
            self._sealed_event(append.stream, event, key)
            if event.event_type in self._fields
            else event
            for event in append.events
        ]
        return StreamAppend(append.stream, append.expected, events)

    def _sealed_event(self, stream: str, event: NewEvent, key: DataKey) -> NewEvent:
        data: JsonObject = event.data
        for path in self._fields[event.event_type]:
            value = value_at(data, path)
            if value is not None:
                place = place_of_field(stream, event.event_id, event.event_type, path)
                data = with_value(data, path, seal(value, key, place))
        return event.with_data(data)

    # --- reading ---------------------------------------------------------------------------------

    async def _opened(self, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        key_ids = {
            key_id_of(sealed, _where(event))
            for event in events
            if event.event_type in self._fields
            for _, sealed in self._sealed_in(event)
        }
        if not key_ids:
            return events
        keys = await self._vault.find(key_ids)
        return [
            self._opened_event(event, keys) if event.event_type in self._fields else event
            for event in events
        ]

    def _opened_event(self, event: StoredEvent, keys: Mapping[UUID, DataKey]) -> StoredEvent:
        data = event.data
        for path, sealed in self._sealed_in(event):
            where = f"{_where(event)}, {'.'.join(path)}"
            place = place_of_field(event.stream, event.event_id, event.event_type, path)
            data = with_value(data, path, _opened_value(sealed, keys, place, where))
        return event.with_data(data)

    # --- snapshots -------------------------------------------------------------------------------

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`; ignores streams with personal data.

        The state in a process may be older than an erasure, and must not be stored again.
        """
        if self._may_have_snapshot(snapshot.stream):
            await self._inner.save_snapshot(snapshot)

    def _may_have_snapshot(self, stream: str) -> bool:
        return category_of(stream) not in self._personal_categories


def _opened_value(
    sealed: JsonObject, keys: Mapping[UUID, DataKey], place: bytes, where: str
) -> Any:
    key = keys.get(key_id_of(sealed, where))
    return redacted(Redaction.ERASED) if key is None else unseal(sealed, key, place, where)


def _where(event: StoredEvent) -> str:
    return f"version {event.version} of stream {event.stream!r}"
