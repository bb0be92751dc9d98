"""What every event store promises about snapshots."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from eventstore.errors import InvalidAppend
from eventstore.model import Snapshot, SnapshotsAndEvents
from eventstore.store import EventStore
from tests.support.stores.event_store import KINDS, new_stream, opened_kind


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with opened_kind(request) as opened:
        yield opened


async def test_the_newest_snapshot_of_the_asked_schema_version_is_loaded(store: EventStore) -> None:
    await store.save_snapshot(Snapshot("a-1", 10, 1, {"n": 10}))
    await store.save_snapshot(Snapshot("a-1", 20, 1, {"n": "👍"}))
    await store.save_snapshot(Snapshot("a-1", 15, 1, {"n": "too late"}))
    await store.save_snapshot(Snapshot("b-1", 5, 2, {}))
    names = ["a-1", "b-1", "c-1"]
    found = await store.read_from_snapshots(names, schema_versions=dict.fromkeys(names, 1))
    assert found.snapshots == {"a-1": Snapshot("a-1", 20, 1, {"n": "👍"})}
    alone = await store.read_from_snapshots(["a-1"], schema_versions={"a-1": 1})
    assert alone.snapshots == found.snapshots


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_stream_is_read_from_its_snapshot_and_what_comes_after(
    store: EventStore, count: int
) -> None:
    await store.append(new_stream("a-1", 2 + count), new_stream("b-1", 1))
    shot = Snapshot("a-1", 2, 1, {"n": 2})
    await store.save_snapshot(shot)
    found = await store.read_from_snapshots(["a-1"], schema_versions={"a-1": 1})
    assert found == SnapshotsAndEvents({"a-1": shot}, {"a-1": (await store.read_stream("a-1"))[2:]})


@pytest.mark.parametrize("schema_versions", [{"a-1": 1}, {"a-1": 3}, {}])
async def test_a_stream_without_a_fitting_snapshot_is_read_whole(
    store: EventStore, schema_versions: dict[str, int]
) -> None:
    await store.append(new_stream("a-1", 3))
    await store.save_snapshot(Snapshot("a-1", 2, 2, {"n": 2}))
    whole = SnapshotsAndEvents({}, await store.read_streams(["a-1"]))
    assert await store.read_from_snapshots(["a-1"], schema_versions=schema_versions) == whole
    more = await store.read_from_snapshots(["a-1", "b-1"], schema_versions=schema_versions)
    assert more == SnapshotsAndEvents({}, {**whole.events, "b-1": []})


@pytest.mark.parametrize("names", [["a-1"], ["a-1", "b-1"]])
@pytest.mark.parametrize(("after", "used", "rest"), [(1, 2, [3]), (2, None, [3]), (3, None, [])])
async def test_a_snapshot_that_is_not_beyond_the_known_version_is_not_used(
    store: EventStore, names: list[str], after: int, used: int | None, rest: list[int]
) -> None:
    await store.append(new_stream("a-1", 3))
    await store.save_snapshot(Snapshot("a-1", 2, 1, {"n": 2}))
    found = await store.read_from_snapshots(
        names, schema_versions={"a-1": 1}, after_versions={"a-1": after}
    )
    assert [one.version for one in found.snapshots.values()] == ([] if used is None else [used])
    assert [one.version for one in found.events["a-1"]] == rest


async def test_streams_with_and_without_snapshots_are_read_at_once(store: EventStore) -> None:
    names = ["known-1", "new-schema-1", "old-schema-1", "plain-1", "stale-1", "young-1"]
    await store.append(*(new_stream(name, 4) for name in names))
    kept = {
        name: Snapshot(name, version, schema_version, {"of": name})
        for name, version, schema_version in [
            ("known-1", 2, 1),
            ("new-schema-1", 3, 2),
            ("old-schema-1", 2, 1),
            ("plain-1", 2, 1),
            ("stale-1", 3, 1),
        ]
    }
    for shot in kept.values():
        await store.save_snapshot(shot)
    found = await store.read_from_snapshots(
        ["none-1", "", *names],
        schema_versions={
            "new-schema-1": 2,
            "none-1": 1,
            "old-schema-1": 1,
            "stale-1": 2,
            "young-1": 1,
        },
        after_versions={"known-1": 3, "other-1": 1},
    )
    assert found.snapshots == {one: kept[one] for one in ("new-schema-1", "old-schema-1")}
    assert {name: [one.version for one in ones] for name, ones in found.events.items()} == {
        "none-1": [],
        "": [],
        "known-1": [4],
        "new-schema-1": [4],
        "old-schema-1": [3, 4],
        "plain-1": [1, 2, 3, 4],
        "stale-1": [1, 2, 3, 4],
        "young-1": [1, 2, 3, 4],
    }


async def test_nothing_asked_from_snapshots_is_nothing_found(store: EventStore) -> None:
    assert await store.read_from_snapshots([], schema_versions={}) == SnapshotsAndEvents({}, {})
    name = "a\0b"
    found = await store.read_from_snapshots([name], schema_versions={name: 1})
    assert found == SnapshotsAndEvents({}, {name: []})
    await store.append(new_stream("a-1", 2))
    twice = await store.read_from_snapshots(["a-1", "a-1"], schema_versions={"a-1": 1})
    assert len(twice.events["a-1"]) == 2


async def test_a_snapshot_that_is_no_json_is_refused(store: EventStore) -> None:
    with pytest.raises(InvalidAppend):
        await store.save_snapshot(Snapshot("a-1", 1, 1, {"n": "\0"}))
    with pytest.raises(InvalidAppend):
        await store.save_snapshot(Snapshot("a-1", 1, 1, {"n": uuid4()}))
