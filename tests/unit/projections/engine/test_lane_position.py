"""What a lane worker remembers between batches, and when it forgets it."""

from uuid import UUID

from projections.engine.feed import FeedSlice
from projections.engine.lane_position import LanePosition

ERA = UUID(int=1)


def loaded(checkpoint: int) -> LanePosition:
    position = LanePosition(batch=10, growth=4)
    position.load(checkpoint, ERA)
    return position


def slice_to(next_position: int) -> FeedSlice:
    return FeedSlice([], next_position, next_position, False, ERA)


def test_a_new_worker_has_no_checkpoint() -> None:
    assert LanePosition(batch=10, growth=4).checkpoint is None


def test_a_commit_moves_checkpoint_and_position() -> None:
    position = loaded(5)
    position.commit(9)
    assert (position.checkpoint, position.next) == (9, 9)


def test_a_prefetched_slice_is_used_once_where_it_was_read() -> None:
    position = loaded(5)
    position.commit(9)
    position.prefetch(9, slice_to(12))
    assert position.take_prefetched() == slice_to(12)
    assert position.take_prefetched() is None


def test_a_prefetched_slice_is_dropped_if_another_worker_moved_the_checkpoint() -> None:
    position = loaded(5)
    position.prefetch(9, slice_to(12))
    position.load(10, ERA)
    assert position.take_prefetched() is None


def test_after_forgetting_the_checkpoint_must_be_loaded_again() -> None:
    position = loaded(5)
    position.prefetch(5, slice_to(8))
    position.forget()
    assert position.checkpoint is None
    assert position.take_prefetched() is None


def test_slices_grow_while_they_are_full_and_shrink_at_once() -> None:
    position = loaded(0)
    sizes = []
    for full in (True, True, True, False):
        position.resize(full=full)
        sizes.append(position.limit)
    assert sizes == [20, 40, 40, 10]
