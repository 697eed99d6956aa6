"""Calls of any number out of a recorded stream: each copy is another call, at another time.

A recorded stream is cut into blocks; what makes it that call (times, ids, channel names, bridge
ids, callers) becomes a token, which each copy writes anew.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
BLANK = b"\r\n\r\n"

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
# The first channel of a call lends it its id.
_FIRST = re.compile(rb"Event: Newchannel\r\n.*\r\nUniqueid: (\S+)\r\nLinkedid: \1", re.DOTALL)
_MEMBER = re.compile(
    rb"Event: QueueMemberStatus\r\nPrivilege: .*\r\nTimestamp: .*\r\nQueue: (.*)\r\n"
    rb"MemberName: (.*)\r\nInterface: (.*)\r\nStateInterface: (.*)\r\n"
)
# Callers of successive copies look like different people. No divisor of 10^8, so none comes twice.
_CALLER_STEP = 9_176_543


class Member(NamedTuple):
    """A member of a queue, as the PBX configured it."""

    queue: str
    name: str
    interface: str
    state_interface: str


class _Piece(NamedTuple):
    """Bytes as they are (`kind` empty), or a token with its recorded value."""

    kind: str
    value: bytes


class _Block(NamedTuple):
    offset: float  # seconds from the first event of the recording
    pieces: tuple[_Piece, ...]


class Template:
    """One recorded stream, to be written again and again.

    `seconds` is how long it takes, `calls` how many calls it holds. `open_only`: the calls are
    answered, and nobody hangs up.
    """

    def __init__(self, data: bytes, *, open_only: bool = False) -> None:
        blocks = data[data.index(b"\r\n") + 2 :].split(BLANK)
        stamped = [(float(stamp[1]), block) for block in blocks if (stamp := _STAMP.search(block))]
        self.begin = stamped[0][0]
        self.calls = 0
        self.members: dict[Member, None] = {}
        self._blocks: list[_Block] = []
        for at, block in stamped:
            if open_only and block.startswith(_LEAVING):
                break
            self.calls += _FIRST.match(block) is not None
            if found := _MEMBER.match(block):
                self.members[Member(*(text.decode() for text in found.groups()))] = None
            self._blocks.append(_Block(at - self.begin, tuple(_pieces(block))))
        self.seconds = self._blocks[-1].offset

    def copy(self, number: int, at: float) -> Iterator[tuple[float, int, bytes]]:
        """The blocks of copy `number`, which begins at `at`: (time, number, bytes)."""
        shift = at - self.begin
        for block in self._blocks:
            parts = [_written(piece, number, shift) for piece in block.pieces]
            yield at + block.offset, number, b"".join(parts)


def _pieces(block: bytes) -> Iterator[_Piece]:
    end = 0
    for token in _TOKEN.finditer(block):
        yield _Piece("", block[end : token.start()])
        yield _Piece(token.lastgroup or "", token[0])
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
            return b"138%08d" % ((int(piece.value[3:]) + number * _CALLER_STEP) % 100_000_000)
    return piece.value
