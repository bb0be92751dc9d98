"""What a sealing store shows and what it stores, over an in-memory store."""

import json
from typing import Any
from uuid import uuid4

import pytest

from adapters.events.codec import JsonEventCodec
from adapters.personal_data.errors import Tampered
from adapters.personal_data.fields import PERSONAL_FIELDS
from adapters.personal_data.reading import RedactedStore
from adapters.personal_data.store import PersonalDataStore
from adapters.personal_data.vaults import InMemoryKeyVault
from domain.ids import OrderId
from domain.order.events import AddressSet, DeliveryAddressChanged, OrderCreated
from domain.values import Redacted, Redaction
from eventstore.errors import InvalidAppend
from eventstore.memory import InMemoryEventStore
from eventstore.model import (
    Expected,
    Metadata,
    NewEvent,
    Snapshot,
    SnapshotsAndEvents,
    StreamAppend,
)
from tests.support.sagas.domain_samples import CREATED, LEEDS, NOON, SUBMITTED, YORK

CODEC = JsonEventCodec()
SECRETS = ("Ann Example", "High Street", "Low Street", "LS1 4AP", "tok_visa")


def new(event: Any) -> NewEvent:
    encoded = CODEC.encode(event)
    return NewEvent(uuid4(), encoded.event_type, encoded.data, Metadata("c", "c", "tester"))


def append(stream: str, *events: Any) -> StreamAppend:
    return StreamAppend(stream, Expected.ANY, [new(event) for event in events])


class Kept:
    """A sealing store and the store that it wraps."""

    def __init__(self) -> None:
        self.inner = InMemoryEventStore()
        self.vault = InMemoryKeyVault()
        self.store = PersonalDataStore(self.inner, self.vault)

    async def below(self) -> str:
        page = await self.inner.read_feed(0)
        return json.dumps([event.data for event in page.events])

    async def above(self, stream: str) -> list[Any]:
        return [CODEC.decode(event) for event in await self.store.read_stream(stream)]

    async def tampered(self, stream: str, old: NewEvent, data: Any) -> list[Any]:
        """What is read if the inner store has other data under the same ids."""
        forged = InMemoryEventStore()
        await forged.append(
            StreamAppend(
                stream,
                Expected.NO_STREAM,
                [NewEvent(old.event_id, old.event_type, data, old.metadata)],
            )
        )
        reader = PersonalDataStore(forged, self.vault)
        return [CODEC.decode(event) for event in await reader.read_stream(stream)]


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_readers_see_plain_values_and_the_inner_store_sealed_ones(kept: Kept) -> None:
    events = [CREATED, AddressSet(LEEDS), SUBMITTED, DeliveryAddressChanged(YORK)]
    await kept.store.append(append("order-A1", *events))
    assert await kept.above("order-A1") == events
    below = await kept.below()
    assert below.count("$sealed") == 4
    assert not [secret for secret in SECRETS if secret in below]
    assert "WHITE METAL LANTERN" in below


async def test_every_read_method_opens_sealed_values(kept: Kept) -> None:
    await kept.store.append(append("order-A1", CREATED, AddressSet(LEEDS)))
    schemas = {"order-A1": 1}
    ways = [
        await kept.store.read_stream("order-A1"),
        (await kept.store.read_streams(["order-none", "order-A1"]))["order-A1"],
        (await kept.store.read_from_snapshots(["order-A1"], schema_versions=schemas)).events[
            "order-A1"
        ],
        (await kept.store.read_feed(0)).events,
    ]
    for events in ways:
        assert [CODEC.decode(event) for event in events] == [CREATED, AddressSet(LEEDS)]


async def test_a_repeated_append_is_recognised_by_its_event_ids(kept: Kept) -> None:
    sensitive = append("order-A1", CREATED, SUBMITTED)
    first = await kept.store.append(sensitive)
    again = await kept.store.append(sensitive)
    assert (again.repeated, again.last_position) == (True, first.last_position)
    assert await kept.inner.head() == 2


async def test_later_events_are_sealed_for_the_customer_of_the_first(kept: Kept) -> None:
    await kept.store.append(append("order-A1", CREATED))
    fresh = PersonalDataStore(kept.inner, kept.vault)
    await fresh.append(append("order-A1", AddressSet(LEEDS)))
    kept.vault.destroy("customer-17850")
    assert (await kept.above("order-A1"))[-1] == AddressSet(Redacted(Redaction.ERASED))


async def test_a_guest_is_the_subject_of_one_order_only(kept: Kept) -> None:
    for name in ("G1", "G2"):
        created = OrderCreated(OrderId(name), None, "GBP", NOON)
        await kept.store.append(append(f"order-{name}", created, AddressSet(LEEDS)))
    kept.vault.destroy("order-G1")
    assert (await kept.above("order-G1"))[-1].address == Redacted(Redaction.ERASED)
    assert (await kept.above("order-G2"))[-1].address == LEEDS


async def test_without_its_key_personal_data_is_redacted_and_the_rest_stays(kept: Kept) -> None:
    await kept.store.append(append("order-A1", CREATED, SUBMITTED))
    kept.vault.destroy("customer-17850")
    created, submitted = await kept.above("order-A1")
    erased = Redacted(Redaction.ERASED)
    assert created == CREATED
    assert (submitted.address, submitted.payment.token) == (erased, erased)
    assert (submitted.lines, submitted.total) == (SUBMITTED.lines, SUBMITTED.total)
    assert submitted.payment.capture == SUBMITTED.payment.capture


async def test_a_changed_value_is_refused_and_the_error_shows_no_data(kept: Kept) -> None:
    sensitive = append("order-A1", AddressSet(LEEDS))
    await kept.store.append(sensitive)
    sealed = (await kept.inner.read_stream("order-A1"))[0].data["address"]["$sealed"]
    form, key_id, content = sealed.split(":")
    turned = ("B" if content[20] == "A" else "A").join((content[:20], content[21:]))
    for bad in (f"{form}:{key_id}:{turned}", "1:x", "", f"2:{key_id}:{content}", f"1:{key_id}:"):
        with pytest.raises(Tampered, match="version 1 of stream 'order-A1'") as refusal:
            await kept.tampered("order-A1", sensitive.events[0], {"address": {"$sealed": bad}})
        assert "Ann" not in str(refusal.value)


async def test_a_value_does_not_open_in_another_event_stream_or_field(kept: Kept) -> None:
    first, second = append("order-A1", SUBMITTED), append("order-A2", SUBMITTED)
    await kept.store.append(first, second)
    (mine,) = await kept.inner.read_stream("order-A1")
    (other,) = await kept.inner.read_stream("order-A2")
    with pytest.raises(Tampered):
        await kept.tampered("order-A1", first.events[0], other.data)
    with pytest.raises(Tampered):
        await kept.tampered("order-A9", first.events[0], mine.data)
    swapped = {**mine.data, "payment": {"token": mine.data["address"], "capture": "automatic"}}
    with pytest.raises(Tampered, match=r"payment\.token"):
        await kept.tampered("order-A1", first.events[0], swapped)
    assert await kept.tampered("order-A1", first.events[0], mine.data) == [SUBMITTED]


async def test_an_invalid_append_is_refused_before_a_key_is_made(kept: Kept) -> None:
    bad = NewEvent(uuid4(), "AddressSet", {"address": {"name": "\0"}}, Metadata("c", "c", "t"))
    with pytest.raises(InvalidAppend, match="NUL"):
        await kept.store.append(StreamAppend("order-A1", Expected.ANY, [bad]))
    assert kept.vault._keys == {}


async def test_no_snapshot_of_an_order_is_kept(kept: Kept) -> None:
    for stream in ("order-A1", "stock-71053"):
        await kept.store.save_snapshot(Snapshot(stream, 1, 1, {"name": "Ann Example"}))
    streams = ["order-A1", "stock-71053"]
    schemas = dict.fromkeys(streams, 1)
    for store in (kept.inner, kept.store):
        loaded = await store.read_from_snapshots(streams, schema_versions=schemas)
        assert set(loaded.snapshots) == {"stock-71053"}


async def test_a_snapshot_from_before_encryption_is_not_used(kept: Kept) -> None:
    await kept.store.append(append("order-A1", CREATED, AddressSet(LEEDS)))
    await kept.inner.save_snapshot(Snapshot("order-A1", 1, 1, {"name": "Ann Example"}))
    loaded = await kept.store.read_from_snapshots(["order-A1"], schema_versions={"order-A1": 1})
    assert loaded.snapshots == {}
    assert [event.version for event in loaded.events["order-A1"]] == [1, 2]


# --- the view without personal data --------------------------------------------------------------


@pytest.mark.parametrize("sealing", [True, False])
async def test_the_redacted_view_needs_no_keys(kept: Kept, sealing: bool) -> None:
    store = PersonalDataStore(kept.inner, kept.vault, sealing=sealing)
    await store.append(append("order-A1", CREATED, AddressSet(LEEDS), SUBMITTED))
    view = RedactedStore(kept.inner, PERSONAL_FIELDS)
    events = [CODEC.decode(event) for event in (await view.read_feed(0)).events]
    withheld = Redacted(Redaction.WITHHELD)
    assert events[0] == CREATED
    assert (events[1].address, events[2].address) == (withheld, withheld)
    assert events[2].payment.token == withheld


async def test_the_redacted_view_is_read_only(kept: Kept) -> None:
    view = RedactedStore(kept.inner, PERSONAL_FIELDS)
    with pytest.raises(InvalidAppend):
        await view.append(append("order-A1", CREATED))
    with pytest.raises(InvalidAppend):
        await view.save_snapshot(Snapshot("stock-1", 1, 1, {}))
    await kept.inner.save_snapshot(Snapshot("stock-1", 1, 1, {}))
    loaded = await view.read_from_snapshots(["stock-1"], schema_versions={"stock-1": 1})
    assert loaded == SnapshotsAndEvents({}, {"stock-1": []})
    assert await kept.inner.head() == 0
