"""Checks appends and encodes them, in the same way for all stores."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.json import Encoder

from eventstore.errors import InvalidAppend
from eventstore.model import Expected, ExpectedVersion, JsonObject, Metadata, NewEvent, StreamAppend

MAX_NAME_BYTES: Final = 512
_SURELY_SHORT: Final = MAX_NAME_BYTES // 4  # no character takes more than four bytes
MAX_VERSION: Final = 2**63 - 1
MAX_SCHEMA_VERSION: Final = 2**15 - 1

ANY: Final = -1
STREAM_EXISTS: Final = -2
_NO_STREAM: Final = Expected.NO_STREAM
_CODES: Final = {
    Expected.NO_STREAM: 0,
    Expected.ANY: ANY,
    Expected.STREAM_EXISTS: STREAM_EXISTS,
}


def _refuse_type(value: object) -> None:
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _make_encode() -> Callable[[object], str]:
    """An encoder that is created once; the library's own `encode` creates one for each text."""
    make = vars(json.encoder).get("c_make_encoder")
    if make is None:
        return json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
        ).encode
    quote = json.encoder.encode_basestring
    # No check for circular references: they end in a RecursionError, which is refused.
    chunks = make(None, _refuse_type, quote, None, ":", ",", False, False, False)
    return lambda value: "".join(chunks(value, 0))


_encode: Final = _make_encode()
_encode_quickly: Final = Encoder().encode
_PLAIN: Final = frozenset({str, int, bool, type(None)})


def _is_plain_object(value: dict[Any, Any]) -> bool:
    """Whether both encoders write an object in the same way: text keys and plain values throughout.

    The fast encoder writes floats differently, and accepts types that are refused here.
    """
    for key, item in value.items():  # a loop: `all` with a generator takes twice as long
        if type(key) is not str or (type(item) not in _PLAIN and not _is_plain_container(item)):
            return False
    return True


def _is_plain_container(value: object) -> bool:
    if isinstance(value, dict):
        return type(value) is dict and _is_plain_object(value)
    return isinstance(value, list) and type(value) is list and _is_plain_list(value)


def _is_plain_list(values: list[Any]) -> bool:
    for item in values:  # noqa: SIM110  a loop, as above
        if type(item) not in _PLAIN and not _is_plain_container(item):
            return False
    return True


class PreparedEvent(Struct, frozen=True, gc=False):
    """An event in its stored form; `data` and `metadata` are JSON text."""

    event_id: UUID
    event_type: str
    schema_version: int
    data: str
    metadata: str


class PreparedStream(Struct, frozen=True, gc=False):
    """Events for one stream; `expected` is -1 any, -2 stream exists, 0 no stream, else exact."""

    stream: str
    expected: int
    events: Sequence[PreparedEvent]


class PreparedAppend(Struct, frozen=True, gc=False):
    """A checked and encoded request; `size` is its number of events."""

    streams: Sequence[PreparedStream]
    size: int


_Texts = dict[int, tuple[Metadata, str]]
"""Metadata and its text by the object's id. Keeping the object keeps its id from being reused."""


def prepare(appends: Sequence[StreamAppend]) -> PreparedAppend:
    """Check and encode a request.

    Raises:
        InvalidAppend: it names what is wrong; the text holds no event data.
    """
    if not appends:
        raise InvalidAppend("nothing to append: no streams")
    texts: _Texts = {}
    streams = [_prepare_stream(append, texts) for append in appends]
    if len(streams) == 1 and len(streams[0].events) == 1:
        return PreparedAppend(streams, 1)  # nothing can occur twice
    if len(streams) > 1 and len({prepared.stream for prepared in streams}) != len(streams):
        raise InvalidAppend("a stream is named twice: put its events into one StreamAppend")
    ids = [event.event_id for prepared in streams for event in prepared.events]
    if len(ids) > 1 and len(set(ids)) != len(ids):
        raise InvalidAppend("an event id occurs twice in one append")
    return PreparedAppend(streams, len(ids))


def _prepare_stream(append: StreamAppend, texts: _Texts) -> PreparedStream:
    check_name("stream name", append.stream)
    if not append.events:
        raise InvalidAppend(f"no events for stream {append.stream!r}")
    events = [_prepare_event(event, texts) for event in append.events]
    return PreparedStream(append.stream, expected_code(append.expected), events)


def _prepare_event(event: NewEvent, texts: _Texts) -> PreparedEvent:
    event_id, event_type, schema_version = event.event_id, event.event_type, event.schema_version
    check_name("event type", event_type)
    if not isinstance(event_id, UUID):
        raise InvalidAppend("an event id must be a UUID")
    if not _is_int_between(schema_version, 1, MAX_SCHEMA_VERSION):
        raise InvalidAppend(f"schema version must be 1 to {MAX_SCHEMA_VERSION}")
    data = encode_json(event.data, f"data of {event_type}")
    # A plain number: an enum member would be encoded as its name.
    return PreparedEvent(
        event_id, event_type, int(schema_version), data, _text_of(event.metadata, texts)
    )


def _text_of(metadata: Metadata, texts: _Texts) -> str:
    """Encoded once: the events of an append mostly share one object."""
    encoded = texts.get(id(metadata))
    if encoded is None:
        encoded = texts[id(metadata)] = metadata, encode_metadata(metadata)
    return encoded[1]


def expected_code(expected: ExpectedVersion) -> int:
    """The number that stands for an expected version in the stores.

    Raises:
        InvalidAppend: the number cannot be a version.
    """
    if expected is _NO_STREAM:
        return 0  # the most frequent, and hashing an enum member is slow
    if isinstance(expected, Expected):
        return _CODES[expected]
    if not _is_int_between(expected, 1, MAX_VERSION):
        raise InvalidAppend("an exact expected version is at least 1; for a new stream: NO_STREAM")
    return expected


def is_met_by_events(code: int, first: int, count: int) -> bool:
    """Whether a stream meets `code` if it met `first` and then got `count` events.

    Also False if the answer depends on what is stored.
    """
    if code < 0:
        return True  # the stream exists by then
    return first >= 0 and code == first + count


def expected_text(code: int) -> str:
    """The expected version as a conflict names it."""
    return next((kind.value for kind, number in _CODES.items() if number == code), str(code))


def _is_int_between(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_name(name: str) -> bool:
    """Whether a stream may have this name."""
    try:
        check_name("stream name", name)
    except InvalidAppend:
        return False
    return True


def check_name(what: str, name: object) -> None:
    """Refuse names that databases, logs or people cannot handle.

    Raises:
        InvalidAppend: empty, too long, or with characters that cannot be printed.
    """
    if not isinstance(name, str) or not name:
        raise InvalidAppend(f"a {what} must be a text that is not empty")
    if not name.isprintable():
        raise InvalidAppend(f"a {what} must consist of printable characters")
    if len(name) > _SURELY_SHORT and len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidAppend(f"a {what} must not be longer than {MAX_NAME_BYTES} bytes")


def encode_json(value: JsonObject, what: str) -> str:
    """The JSON text of an object.

    Raises:
        InvalidAppend: something in it has no JSON form that can be stored and read back.
    """
    text = _encode_plain(value) or _encode_any(value, what)
    if "\\u0000" in text and _holds_nul(value):
        raise InvalidAppend(f"{what}: holds a NUL character, which PostgreSQL cannot store")
    return text


def _encode_plain(value: JsonObject) -> str | None:
    """The text from the fast encoder; None if the standard one must be used."""
    try:
        if type(value) is dict and _is_plain_object(value):
            return _encode_quickly(value).decode()
    except (RecursionError, UnicodeEncodeError):
        pass  # very deep, or half a surrogate pair: the standard encoder says what is wrong
    return None


def _encode_any(value: JsonObject, what: str) -> str:
    if not isinstance(value, Mapping):
        raise InvalidAppend(f"{what}: must be a JSON object")
    try:
        text = _encode(value if isinstance(value, dict) else dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidAppend(f"{what}: no JSON ({type(error).__name__})") from None
    if not text.isascii():
        _refuse_lone_surrogates(text, what)
    return text


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_holds_nul(item) for item in value)
    return False


def _refuse_lone_surrogates(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidAppend(f"{what}: holds half of a surrogate pair, which is no text") from None


def encode_metadata(metadata: Metadata) -> str:
    """The JSON text of an event's metadata.

    Raises:
        InvalidAppend: see `encode_json`.
    """
    text = _encode_plain_metadata(metadata)
    if text is not None and "\\u0000" not in text:
        return text
    fields: dict[str, Any] = {
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "actor": metadata.actor,
    }
    if metadata.traceparent is not None:
        fields["traceparent"] = metadata.traceparent
    if metadata.extra:
        fields["extra"] = dict(metadata.extra)
    return encode_json(fields, "metadata")


def _encode_plain_metadata(metadata: Metadata) -> str | None:
    """The text from the fast encoder; None if the standard one must be used."""
    extra = metadata.extra
    try:
        if (
            type(metadata) is Metadata
            and type(extra) is dict
            and type(metadata.correlation_id) is str
            and type(metadata.causation_id) is str
            and type(metadata.actor) is str
            and type(metadata.traceparent) in _PLAIN
            and _is_plain_object(extra)
        ):
            return _encode_quickly(metadata).decode()
    except (RecursionError, UnicodeEncodeError):
        pass  # the standard encoder says what is wrong
    return None
