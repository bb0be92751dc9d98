"""Reads the lines of a text file: plain or gzip, only UTF-8, with a limit on line length."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from ordersaga.importing.errors import UnreadableFile

MAX_LINE_BYTES = 65_536
_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"


def file_digest(path: Path) -> str:
    """The first 16 hex digits of the file's SHA-256; raises UnreadableFile."""
    try:
        with path.open("rb") as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()[:16]
    except OSError as error:
        raise UnreadableFile(path, _os_problem(error)) from error


def text_lines(path: Path) -> Iterator[str]:
    """The lines of `path`, with their line ends, one at a time.

    Raises:
        UnreadableFile: it cannot be opened, is not UTF-8 text, has a line longer than
            MAX_LINE_BYTES, or is a damaged gzip file.
    """
    try:
        with _open(path) as raw:
            yield from _decoded(path, raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(path, "the gzip data is damaged or truncated") from error
    except OSError as error:
        raise UnreadableFile(path, _os_problem(error)) from error


def _open(path: Path) -> BufferedIOBase:
    if not path.exists():
        raise UnreadableFile(path, "there is no such file")
    if not path.is_file():
        raise UnreadableFile(path, "this is not a regular file")
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP_MAGIC
    # The content decides, not the name.
    return gzip.open(path, "rb") if packed else path.open("rb")


def _decoded(path: Path, raw: BufferedIOBase) -> Iterator[str]:
    number = 0
    while line := raw.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise UnreadableFile(path, f"line {number} is longer than {MAX_LINE_BYTES:,} bytes")
        if b"\0" in line:
            raise UnreadableFile(path, f"line {number} holds a NUL byte: this is not a text file")
        yield _text(path, number, line)


def _text(path: Path, number: int, line: bytes) -> str:
    if number == 1:
        line = line.removeprefix(_UTF8_MARK)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            path, f"line {number} is not UTF-8 text (byte {error.start + 1} of the line)"
        ) from error


def _os_problem(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
