"""Streams of any size out of recorded ones: each copy is another call, at another time.

A recorded call is cut into blocks; what makes it that call (times, ids, channel names, bridge ids,
callers) becomes a token, which each copy writes anew.
"""

import gzip
import heapq
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

CAPTURES = Path(__file__).parents[1] / "captures"
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
BEGIN = 1_800_000_000.0  # Unix seconds of the first event

_BLANK = b"\r\n\r\n"
_TOKEN = re.compile(
    rb"(?P<bridge>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    rb"|(?P<timestamp>(?<=Timestamp: )\d{10}\.\d{6})"
    rb"|(?P<uniqueid>\b\d{10}\.\d{1,5}\b)"
    rb"|(?P<serial>(?<=-)[0-9a-f]{8}(?=;[12]|\r\n|\Z))"
    rb"|(?P<caller>\b1380000\d{4}\b)"
)
_STAMP = re.compile(rb"\r\nTimestamp: (\d{10}\.\d{6})\r\n")
# Where somebody in a conversation hangs up. Phones that lost the race to answer go without it.
_LEAVING = b"Event: HangupRequest"


class _Piece(NamedTuple):
    """Bytes as they are (`kind` empty), or a token with its recorded value."""

    kind: str
    value: bytes


class _Block(NamedTuple):
    offset: float  # seconds from the first event of the recording
    pieces: tuple[_Piece, ...]


class Template:
    """One recorded stream, to be written again and again."""

    def __init__(self, name: str, *, open_only: bool = False) -> None:
        data = recorded(name)
        blocks = data[data.index(b"\r\n") + 2 :].split(_BLANK)
        stamped = [(float(stamp[1]), block) for block in blocks if (stamp := _STAMP.search(block))]
        self.begin = stamped[0][0]
        self.blocks: list[_Block] = []
        for at, block in stamped:
            if open_only and block.startswith(_LEAVING):
                break
            self.blocks.append(_Block(at - self.begin, tuple(_pieces(block))))
        self.seconds = self.blocks[-1].offset

    def copy(self, number: int, at: float) -> Iterator[tuple[float, int, bytes]]:
        """The blocks of copy `number`, which begins at `at`: (time, number, bytes)."""
        shift = at - self.begin
        for block in self.blocks:
            parts = [_written(piece, number, shift) for piece in block.pieces]
            yield at + block.offset, number, b"".join(parts)


def recorded(name: str) -> bytes:
    path = CAPTURES / f"{name}.ami"
    if path.exists():
        return path.read_bytes()
    return gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes())


def stream(names: Iterable[str], copies: int, *, every: float, open_only: bool = False) -> bytes:
    """`copies` of the recorded streams in turn, one beginning `every` seconds, in order of time.

    Without a greeting. `open_only`: the calls are answered, and nobody hangs up.
    """
    templates = [Template(name, open_only=open_only) for name in names]
    calls = (
        templates[number % len(templates)].copy(number, BEGIN + number * every)
        for number in range(copies)
    )
    return b"".join(block + _BLANK for _, _, block in heapq.merge(*calls))


def count(data: bytes) -> int:
    """Events in a stream."""
    return data.count(_BLANK)


def _pieces(block: bytes) -> Iterator[_Piece]:
    end = 0
    for token in _TOKEN.finditer(block):
        yield _Piece("", block[end : token.start()])
        assert token.lastgroup is not None
        yield _Piece(token.lastgroup, token[0])
        end = token.end()
    yield _Piece("", block[end:])


def _written(piece: _Piece, number: int, shift: float) -> bytes:
    match piece.kind:
        case "bridge":
            return piece.value[:-6] + b"%06x" % (number & 0xFFFFFF)
        case "timestamp":
            return b"%.6f" % (float(piece.value) + shift)
        case "uniqueid":
            seconds, _, serial = piece.value.partition(b".")
            return b"%d.%d" % (int(seconds) + int(shift), int(serial) + number * 1000)
        case "serial":
            return b"%08x" % ((int(piece.value, 16) + number * 0x1000) & 0xFFFFFFFF)
        case "caller":
            return b"138%08d" % ((int(piece.value[3:]) + number * 7) % 100_000_000)
    return piece.value
