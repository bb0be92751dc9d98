"""What a process made when it started is left alone by the collector, but still freed."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from ordersaga.daemons import heap


class Knot:
    """Refers to itself, so that only the collector could free it."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_was_there_is_not_looked_at_again_and_what_comes_later_is() -> None:
    before = Knot()
    heap.freeze_startup_objects()
    after = Knot()
    seen = {id(each) for each in gc.get_objects()}
    assert id(before) not in seen
    assert id(after) in seen
    gone = weakref.ref(after)
    del after
    gc.collect()
    assert gone() is None
