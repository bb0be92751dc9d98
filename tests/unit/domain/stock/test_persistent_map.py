import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stock.persistent_map import PersistentMap

Steps = list[tuple[int, str, int]]
STEPS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.integers(0, 3)), max_size=30
)


@given(STEPS)
def test_every_version_reads_like_a_copy(steps: Steps) -> None:
    # 0 drops the key, anything else puts it; each step starts from any earlier version.
    versions: list[PersistentMap[str, int]] = [PersistentMap()]
    expected: list[dict[str, int]] = [{}]
    for base, key, value in steps:
        at = base % len(versions)
        copy = dict(expected[at])
        if value:
            versions.append(versions[at].put(key, value))
            copy[key] = value
        elif key in copy:
            versions.append(versions[at].drop(key))
            del copy[key]
        else:
            continue
        expected.append(copy)
    assert [dict(version) for version in versions] == expected
    assert versions == expected


def test_a_missing_key_cannot_be_dropped() -> None:
    with pytest.raises(KeyError):
        PersistentMap({"a": 1}).drop("b")


def test_it_does_not_change_with_the_map_it_was_created_from() -> None:
    source = {"a": 1}
    items = PersistentMap(source)
    source["a"] = 2
    assert dict(items) == {"a": 1}


def test_folding_forward_keeps_no_old_versions() -> None:
    start: PersistentMap[str, int] = PersistentMap()
    start.put("a", 1).put("b", 2)
    assert start._newer is None
