"""What an event store can refuse.

EventStoreError
├── VersionConflict      somebody else appended first: load again, decide again
├── DuplicateEventId     an event id is stored already, in another append
├── StreamArchived       a stream is in the archive: the store brings it back
├── InvalidAppend        the request itself is malformed: nothing was sent
├── AppendOnlyViolation  somebody tried to change or remove a stored event
├── LayoutBusy           a step of partitioning or archiving comes too early
├── SchemaUnsupported    the database was made by a version before 0.1.0: make a new one
├── StoreUnavailable     the store cannot do it now, for no fault of the caller
│   ├── SchemaMissing      the database has no or an older schema: run the migrations
│   ├── NotAllowed         the database login lacks a right
│   └── LockNotAvailable   somebody else holds a lock for long
├── UnknownEventType     the codec has no class for a stored event type
└── UndecodableEvent     a stored event's data does not fit its type: look at that row
"""


class EventStoreError(Exception):
    """Root of all refusals of the event store."""


class VersionConflict(EventStoreError):
    """A stream was not at the version that the caller expected; nothing was appended.

    Attributes:
        stream: the first stream in conflict.
        expected: what the caller stated, as text (a number, ``no_stream`` or ``stream_exists``).
        actual: the stream's version, 0 if it does not exist.
    """

    def __init__(self, stream: str, expected: str, actual: int) -> None:
        super().__init__(f"stream {stream!r}: expected version {expected}, it is at {actual}")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class DuplicateEventId(EventStoreError):
    """An event id of this append is stored already, as part of a different append.

    Appending exactly the same event ids again is not an error: it returns the first result.
    """


class StreamArchived(EventStoreError):
    """A stream of the append is in the archive; nothing was appended.

    A store then brings the streams back and appends: callers do not see this.
    """


class InvalidAppend(EventStoreError):
    """The append is malformed: no events, a stream twice, an illegal stream name."""


class AppendOnlyViolation(EventStoreError):
    """The database refused to update or delete a stored event."""


class LayoutBusy(EventStoreError):
    """A step of partitioning or archiving needs an earlier one; nothing was changed."""


class SchemaUnsupported(EventStoreError):
    """The database was made by a version before 0.1.0: no migration leads to this code."""


class StoreUnavailable(EventStoreError):
    """The store cannot do it now: no answer in time, no connection, read-only, no room, no right.

    That is everything that is not known to be the caller's fault. An append may have happened:
    append again with the same event ids.
    """


class SchemaMissing(StoreUnavailable):
    """The event store's schema is missing or older than this code: run the migrations."""


class NotAllowed(StoreUnavailable):
    """The database login lacks a right; nothing was changed."""


class LockNotAvailable(StoreUnavailable):
    """Somebody else holds the lock of a table or row for long; nothing was changed."""


class UnknownEventType(EventStoreError):
    """No class is registered for a stored event type; a newer version may have written it."""

    def __init__(self, event_type: str, schema_version: int) -> None:
        super().__init__(f"no class for event type {event_type!r} version {schema_version}")
        self.event_type = event_type
        self.schema_version = schema_version


class UndecodableEvent(EventStoreError):
    """The data of a stored event does not fit its type.

    Attributes:
        stream: where the event is stored.
        version: its place in the stream.
        event_type: its type as stored.
        problems: the fields and what is wrong with them, without their values.
    """

    def __init__(self, stream: str, version: int, event_type: str, problems: str) -> None:
        super().__init__(f"{event_type} at version {version} of stream {stream!r}: {problems}")
        self.stream = stream
        self.version = version
        self.event_type = event_type
        self.problems = problems
