"""Events in a file, or on standard input: NDJSON, a JSON array, or one JSON object."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO, Final, NamedTuple

import msgspec

from shared.errors import ConfigurationError
from shared.ingest.split import split_array

MAX_DOCUMENT_BYTES: Final = 100_000_000
"""An array or object is read whole; NDJSON has no bound."""
MAX_DOCUMENT_EVENTS: Final = 1_000_000
_MARK: Final = b"\xef\xbb\xbf"


class RawEvent(NamedTuple):
    """The text of one event, and the line on which it begins."""

    line: int
    text: bytes


@contextmanager
def open_events(name: str) -> Iterator[IO[bytes]]:
    """The file, or standard input for `-`. Raises `ConfigurationError`."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - a name as it was typed
            yield file
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error


def read_events(file: IO[bytes]) -> Iterator[RawEvent]:
    """The events of a file, in order; whether they are any good is not judged. Raises `ConfigurationError`."""
    lines = enumerate(file, 1)
    for number, line in lines:
        text = line.removeprefix(_MARK).strip()
        if not text:
            continue
        if text.startswith(b"[") or (text.startswith(b"{") and not _is_json(text)):
            yield from _document(number, text, file)
        else:
            yield from _lines(chain([(number, text)], lines))
        return


def _lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[RawEvent]:
    for number, line in lines:
        if text := line.strip():
            yield RawEvent(number, text)


def _document(first_line: int, start: bytes, file: IO[bytes]) -> Iterator[RawEvent]:
    """An array's elements, or one object that takes several lines; else the lines as they are."""
    document = start + b"\n" + file.read(MAX_DOCUMENT_BYTES + 1)
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ConfigurationError(
            f"a JSON array may have at most {MAX_DOCUMENT_BYTES:,} bytes; use NDJSON, an event a line"
        )
    if start.startswith(b"["):
        line, counted, position = first_line, 0, 0
        for element in split_array(document, MAX_DOCUMENT_EVENTS):
            begin = document.find(element, position)
            line += document.count(b"\n", counted, begin)
            counted, position = begin, begin + len(element)
            yield RawEvent(line, element)
    elif _is_json(document):
        yield RawEvent(first_line, document.strip())
    else:
        yield from _lines(enumerate(document.split(b"\n"), first_line))


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
