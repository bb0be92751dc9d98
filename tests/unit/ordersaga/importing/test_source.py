"""Texts of any usual encoding and packing, from files, pipes and standard input."""

import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersaga.errors import WRONG_USAGE
from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.source import MAX_LINE, Source

TEXT = "Größe,Preis\nL,1\n\nXL,2\n"


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same bytes in every process of a test run


def lines_of(path: Path, encoding: str | None = None) -> list[str]:
    return list(Source(path, encoding).lines())


def file_with(folder: Path, content: bytes) -> Path:
    path = folder / "orders.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        packed(TEXT.encode()),
        packed(TEXT.encode("utf-16")),
    ],
)
def test_the_content_says_how_it_is_packed_and_encoded(tmp_path: Path, content: bytes) -> None:
    assert "".join(lines_of(file_with(tmp_path, content))) == TEXT


def test_another_encoding_is_given(tmp_path: Path) -> None:
    path = file_with(tmp_path, TEXT.encode("windows-1252"))
    assert "".join(lines_of(path, "windows-1252")) == TEXT


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(packed(TEXT.encode()))

    monkeypatch.setattr(sys, "stdin", Input)
    source = Source(Path("-"))
    assert "".join(source.lines()) == TEXT
    assert source.name == "standard input"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "NUL"),
        (b"a,b\n\x89PNG", "line 2 is not UTF-8 text (character 1)"),
        (b"ok\n" + "CAFÉ".encode("latin-1"), "line 2 is not UTF-8 text (character 4)"),
        (b"ok\n" * 50_000 + b"caf\xe9\n", "line 50001 is not UTF-8 text (character 4)"),
        (b"ok\nx\0y\n", "line 2 holds a NUL"),
        (b"x" * (MAX_LINE + 1), "line 1 is longer than"),
        (b"ok\n" + b"x" * 10_000_000, "line 2 is longer than"),
        (b"PK\x03\x04 more", "save it as CSV"),
        (b"\x1f\x8b", "damaged or truncated"),
        (b"\x1f\x8bnonsense", "damaged or truncated"),
        (packed(TEXT.encode() * 1000)[:-12], "damaged or truncated"),
        (packed(TEXT.encode()) + b"tail", "damaged or truncated"),
        (b"\xff\xfea\x00b", "line 1 is not"),
    ],
)
def test_what_is_no_text_says_why_and_where(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        lines_of(file_with(tmp_path, content))
    assert problem in caught.value.problem
    assert caught.value.exit_code == WRONG_USAGE


def test_a_wrong_encoding_points_to_the_option(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="--encoding, such as windows-1252"):
        lines_of(file_with(tmp_path, "É".encode("latin-1")))


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        lines_of(tmp_path / "nowhere.csv")
    with pytest.raises(UnreadableFile, match="folder"):
        lines_of(tmp_path)


def test_the_digest_names_the_content(tmp_path: Path) -> None:
    digests = []
    for content in (b"a\n", b"a\n", b"b\n"):
        source = Source(file_with(tmp_path, content))
        list(source.lines())
        digests.append(source.digest)
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 16


@given(st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"])))
def test_every_text_comes_out_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert "".join(lines_of(path)) == text
