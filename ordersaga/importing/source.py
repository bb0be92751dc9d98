"""Reads the lines of a text: a file, a pipe or standard input, plain or gzip, in one pass."""

import codecs
import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from ordersaga.importing.errors import UnreadableFile
from workflows.documents.validation import MOST_BYTES

STANDARD_INPUT: Final = "-"
MAX_LINE: Final = MOST_BYTES
"""Characters of the longest line: an order document as JSON."""
_CHUNK: Final = 65_536
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Source:
    """The text to import; it can be read once.

    Args:
        path: a file; ``-``: standard input.
        encoding: of the text; None: UTF-8, or UTF-16 if the first bytes say so.

    Attributes:
        name: for messages.
        digest: the first 16 hex digits of the SHA-256 of its bytes, as soon as all are read.
    """

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.is_input = str(path) == STANDARD_INPUT
        self.name = "standard input" if self.is_input else str(path)
        self._path = path
        self._encoding = encoding
        self._sha = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Identifies the content."""
        return self._sha.hexdigest()[:16]

    def lines(self) -> Iterator[str]:
        """The lines with their line ends.

        Raises:
            UnreadableFile: it cannot be opened, is damaged, is no text, is not in the encoding, or
                has a line longer than MAX_LINE.
        """
        try:
            with self._opened() as file:
                yield from self._decoded(_unpacked(file))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._problem("the gzip data is damaged or truncated") from error
        except OSError as error:
            raise self._problem((error.strerror or type(error).__name__).lower()) from error

    def _opened(self) -> io.BufferedReader:
        if self.is_input:
            raw: BinaryIO = sys.stdin.buffer
        elif not self._path.exists():
            raise self._problem("there is no such file")
        elif self._path.is_dir():
            raise self._problem("this is a folder")
        else:
            raw = self._path.open("rb", buffering=0)
        return io.BufferedReader(_Hashed(raw, self._sha), _CHUNK)

    def _decoded(self, raw: io.BufferedReader) -> Iterator[str]:
        encoding = self._encoding or self._seen(raw)
        decoder = codecs.getincrementaldecoder(encoding)()
        rest, number = "", 0
        while chunk := raw.read(_CHUNK):
            *whole, rest = (rest + self._text(decoder, chunk, number, rest)).split("\n")
            for line in whole:
                number += 1
                yield self._checked(f"{line}\n", number)
            self._checked(rest, number + 1)
        rest += self._text(decoder, b"", number, rest)
        if rest:
            yield self._checked(rest, number + 1)

    def _seen(self, raw: io.BufferedReader) -> str:
        head = raw.peek(4)[:4]
        if head.startswith(_ZIP):
            raise self._problem("this is a zip file or a spreadsheet: save it as CSV first")
        for mark, encoding in _MARKS.items():
            if head.startswith(mark):
                return encoding
        if len(head) > 1 and bool(head[0]) != bool(head[1]):
            return "utf-16-le" if head[0] else "utf-16-be"
        return "utf-8"

    def _text(self, decoder: Any, chunk: bytes, number: int, rest: str) -> str:
        try:
            text: str = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = rest + error.object[: error.start].decode(error.encoding, "replace")
            line = number + 1 + before.count("\n")
            column = len(before.rpartition("\n")[2]) + 1
            hint = "" if self._encoding else ": say which with --encoding, such as windows-1252"
            raise self._problem(
                f"line {line} is not {error.encoding.upper()} text (character {column}){hint}"
            ) from error
        return text

    def _checked(self, line: str, number: int) -> str:
        if len(line) > MAX_LINE:
            raise self._problem(f"line {number} is longer than {MAX_LINE:,} characters")
        if "\0" in line:
            raise self._problem(f"line {number} holds a NUL: this is no text file")
        return line

    def _problem(self, problem: str) -> UnreadableFile:
        return UnreadableFile(self.name, problem)


def _unpacked(file: io.BufferedReader) -> io.BufferedReader:
    # The content decides, not the name.
    if not file.peek(2).startswith(_GZIP):
        return file
    unpacked: Any = gzip.GzipFile(fileobj=file)
    return io.BufferedReader(unpacked, _CHUNK)


class _Hashed(io.RawIOBase):
    """Passes bytes on and adds them to a digest."""

    def __init__(self, raw: BinaryIO, sha: Any) -> None:
        self._raw = raw
        self._sha = sha

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self._sha.update(data)
        return len(data)

    def close(self) -> None:
        if self._raw is not sys.stdin.buffer:
            self._raw.close()
        super().close()
