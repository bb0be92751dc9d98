"""Ids that follow from a command."""

from hypothesis import given
from hypothesis import strategies as st

from eventstore.commands.decision import event_id_of

_NAMES = st.text(min_size=1, max_size=20)


@given(_NAMES, _NAMES, st.integers(2, 300))
def test_the_ids_of_an_append_are_neighbours_and_each_its_own(
    command_id: str, stream: str, count: int
) -> None:
    ids = [event_id_of(command_id, stream, index) for index in range(count)]
    assert len(set(ids)) == count
    assert len({one.int >> 16 for one in ids}) == 1
    assert {(one.version, one.variant) for one in ids} == {(5, ids[0].variant)}
    assert ids == [event_id_of(command_id, stream, index) for index in range(count)]


def test_other_commands_and_other_streams_have_other_ids() -> None:
    asked = [("c-1", "a-1"), ("c-1", "a-2"), ("c-2", "a-1"), ("c-2", "a-2")]
    blocks = {event_id_of(command, stream, 0).int >> 16 for command, stream in asked}
    assert len(blocks) == len(asked)
