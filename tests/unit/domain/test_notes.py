from hypothesis import given
from hypothesis import strategies as st

from domain.notes import MAX_NOTE, cut

TEXTS = st.text(st.characters()) | st.integers(0, 5_000).map("ä".__mul__)


@given(TEXTS)
def test_a_note_is_never_refused_and_always_storable(text: str) -> None:
    note = cut(text)
    assert len(note) <= MAX_NOTE
    assert "\x00" not in note
    note.encode()
    assert cut(note) == note


def test_a_note_keeps_its_beginning_and_says_that_it_goes_on() -> None:
    assert cut("x" * MAX_NOTE) == "x" * MAX_NOTE
    assert cut("x" * (MAX_NOTE + 1)) == "x" * (MAX_NOTE - 2) + " …"


def test_a_note_cannot_steer_a_terminal() -> None:
    assert cut("two\nlines\x1b[31m\x9b") == "two\nlines?[31m?"
