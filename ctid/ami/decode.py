"""Bytes of an AMI connection to domain events."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ctid.ami import text
from ctid.ami.headers import CAPTURED, is_torn, without_unknown
from ctid.ami.kinds import KINDS, Groups, Kind
from ctid.ami.protocol import DEFAULT_MAX_BLOCK, Framer
from ctid.ami.replies import ENDS, LISTED, Reply, response
from ctid.domain import events
from ctid.domain.days import EARLIEST, LATEST


class Greeting(NamedTuple):
    """The line that Asterisk begins with; the version is that of AMI, not of Asterisk."""

    version: str


Item = events.Event | Reply | Greeting
_Kind = Kind[events.Event] | Kind[Reply]

# How much a torn event can hold before its last piece, for each snapshot in it: two numbers of 79
# bytes, and what stands between them.
_MAX_TORN = 1024
_MAX_PIECES = 80
# How many pieces numbers make of an event at most, where a short event still fits into them.
_RECENT = 24
_MAX_TOLD = 1000
_TABLE: dict[bytes, _Kind] = {
    **{f"Event: {kind}".encode(): known for kind, known in KINDS.items()},
    **{f"Event: {kind}".encode(): known for kind, known in LISTED.items()},
}
_LISTED = frozenset(f"Event: {kind}".encode() for kind in LISTED)
_ENDS = frozenset(f"Event: {kind}".encode() for kind in ENDS)
_BOOTED = b"Event: FullyBooted"
# A variable of the whole PBX, set while it starts.
_NO_CHANNEL = "\r\nChannel: none\r\n"
_BLANK = b"\r\n\r\n"
_ABSENT = ("",) * len(CAPTURED)
# Groups, end of the last snapshot, whether there is one.
_Found = tuple[Groups, int, bool]


_Boring = Callable[[bytes, int], object] | None
# What decides about nearly all events of a kind; the others are looked at closely. `boring` tells
# from the bytes that the event does not matter. Else `match` reads all of its snapshots, `again`
# must not follow, and group `sure` must not be empty: then nobody forged it. Last is `build`. A
# plain tuple, because a named one takes four times as long to unpack.
_Quick = tuple[
    _Boring,
    Callable[[str], re.Match[str] | None],
    str,
    int,
    Callable[[float, Groups, str, int], events.Event | None],
]

# By their first bytes: shorter names are followed by the header that comes second in all events.
_KEY = 24
_QUICK: dict[bytes, _Quick] = {
    f"Event: {name}\r\nPrivilege: ".encode()[:_KEY]: (
        kind.boring.search if kind.boring is not None else None,
        kind.shape.whole(kind.further).match,
        kind.further[-1].again if kind.further else kind.shape.again or _NO_CHANNEL,
        0 if kind.shape.head is None else -1,
        kind.build,
    )
    for name, kind in KINDS.items()
    if name != "Shutdown"
}
# What `boring` looks for stands behind at least as many bytes.
_HEAD = 150
_MAX_KINDS = 500
_NOT_IN_USE = KINDS["QueueMemberStatus"].boring
_STATUS_KEY = b"Event: QueueMemberStatus\r\n"[:_KEY]
_MEMBER = b"\r\nQueue: "
_MEMBER_END = b"\r\nMembership: "
# A kind that is not in the table: matches nothing, so it is looked at closely.
_NEW: _Quick = (None, re.compile(r"(?!)").match, "", 0, lambda *_: None)


class Counters:
    """What a decoder met. Plain numbers, read by whoever shows them."""

    __slots__ = ("bad", "forged", "items", "odd", "oversized", "skipped", "torn")

    def __init__(self) -> None:
        # Items given out: events and replies.
        self.items = 0
        # Blocks of kinds that do not matter.
        self.skipped = 0
        # Blocks that a caller's number made.
        self.forged = 0
        # Events that a number cut in two and that were mended.
        self.torn = 0
        # Events whose snapshot holds headers we do not know.
        self.odd = 0
        # Blocks that are no event at all, or that lack what their kind must have.
        self.bad = 0
        # Blocks that were dropped because they were too long.
        self.oversized = 0


class Decoder:
    """Decodes one connection. Never raises for input.

    `feed(data, now)` returns what the bytes made whole, in order, however they were cut. `now` is
    the arrival time in Unix seconds, for events without a Timestamp; None (a recording is
    replayed) means the last Timestamp seen, 0.0 before the first.
    """

    def __init__(
        self, max_block: int = DEFAULT_MAX_BLOCK, counters: Counters | None = None
    ) -> None:
        self.counters = counters or Counters()
        self._framer = Framer(max_block)
        self._max_block = max_block
        self._greeted = False
        # Whether the last `feed` gave only events, and none that tells of the connection itself.
        self.plain = True
        self._clock = 0.0
        self._live = False
        # Whether this PBX sends Timestamps: then an event without a channel must have one, because
        # with it such an event is too long to be forged.
        self._stamped = False
        # None: a kind that does not matter.
        self._kinds: dict[bytes, _Quick | None] = dict(_QUICK)
        looks: dict[str, _Boring] = {
            "Status": self._is_known_member,
            "Removed": self._forget_members,
        }
        for name, look in looks.items():
            key = f"Event: QueueMember{name}\r\n".encode()[:_KEY]
            self._kinds[key] = (look, *_QUICK[key][1:])
        self._members: set[bytes] = set()
        # Whether answers to our questions are due: only then is an item of a list believed.
        self.listing = True
        # A torn event and the blocks behind it, until its end comes.
        self._held: list[bytes] = []
        self._recent: deque[bytes] = deque(maxlen=_RECENT)
        self._told: set[str] = set()

    def feed(self, data: bytes, now: float | None = None) -> list[Item]:
        blocks = self._framer.feed(data)
        items: list[Item] = []
        self.plain = True
        if self._framer.oversized:
            self.counters.oversized += self._framer.oversized
            self._framer.oversized = 0
        if not self._greeted and self._framer.version is not None:
            self._greeted = True
            self.plain = False
            items.append(Greeting(self._framer.version))
        if blocks:
            if now is not None:
                self._clock = now
                if not self._live:
                    # QueueStatus and the events of changes tell who is a member; a recording may
                    # lack the former. These are the most frequent events of a desk with queues.
                    self._live = True
                    self._kinds[_STATUS_KEY] = None
            self._run(blocks, items)
            self.counters.items += len(items)
        return items

    def _run(self, blocks: list[bytes], items: list[Item]) -> None:
        looked_at = 0
        kind_of = self._kinds.get
        held = self._held
        for block in blocks if self._stamped else self._remembered(blocks):
            if held:
                self.plain = False
                looked_at += 1
                self._resume(block, items)
                continue
            quick = kind_of(block[:_KEY], _NEW)
            if quick is None:
                continue
            boring, match_of, again, sure, build = quick
            if boring is not None and boring(block, _HEAD) is not None:
                continue
            looked_at += 1
            try:
                whole = block.decode()
            except UnicodeDecodeError:
                whole = text.decode(block)
            match = match_of(whole)
            if match is not None and whole.find(again, match.end()) < 0:
                groups = match.groups("")
                if groups[sure]:
                    at = self._time(groups[0]) if groups[0] else self._clock
                    item = build(at, groups, whole, match.end())
                    if item is not None:
                        items.append(item)
                    continue
            self._unusual(block, items)
        self.counters.skipped += len(blocks) - looked_at

    def _remembered(self, blocks: list[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._recent.append(block)
            yield block

    def _is_known_member(self, block: bytes, start: int) -> object:
        """A member's state is told once: after that we know that it is a member."""
        if _NOT_IN_USE is not None and _NOT_IN_USE.search(block, start):
            return True
        begin = block.find(_MEMBER)
        member = block[begin : block.find(_MEMBER_END, begin)]
        if member in self._members:
            return True
        if self._stamped and len(self._members) < _MAX_TOLD:
            self._members.add(member)
        return None

    def _forget_members(self, _block: bytes, _start: int) -> None:
        self._members.clear()

    def _unusual(self, block: bytes, items: list[Item]) -> None:
        """What is not in the table: replies, kinds not seen before, and what is no event."""
        line = block.split(b"\r\n", 1)[0]
        if line in _TABLE:
            self._closely(block, text.decode(block), items)
        elif line[:7] == b"Event: " and line not in _ENDS:
            self.counters.skipped += 1
            # Never over a known kind, whose name may begin alike.
            if len(self._kinds) < _MAX_KINDS and block[:_KEY] not in self._kinds:
                self._kinds[block[:_KEY]] = None
        elif line:
            self._other(block, items)
        elif rest := block.lstrip(b"\r\n"):
            # Some TestEvents end with one line break too many.
            self._run([rest], items)

    def _closely(self, block: bytes, whole: str, items: list[Item]) -> None:
        self.plain = False
        line = block.split(b"\r\n", 1)[0]
        if line in _LISTED and not self.listing:
            self.counters.forged += 1
            return
        kind = _TABLE[line]
        found = _read(kind, whole)
        if found is None:
            self._mend(kind, block, whole, items)
        elif found[2] or self._is_believed(line, found[0]):
            self._give(kind, found, whole, items)
        else:
            self.counters.forged += 1

    def _time(self, stamp: str) -> float:
        try:
            at = float(stamp)
        except ValueError:
            return self._clock
        if not EARLIEST <= at < LATEST:
            return self._clock  # of a clock that was never set
        self._stamped = True
        if not self._live:
            self._clock = at
        return at

    def _give(self, kind: _Kind, found: _Found, whole: str, items: list[Item]) -> float:
        """Build the item of an event that was read; its time."""
        groups, end, _ = found
        at = self._time(groups[0])
        item = kind.build(at, groups, whole, end)
        if item is not None:
            items.append(item)
        return at

    def _is_believed(self, line: bytes, groups: Groups) -> bool:
        """Whether an event without a channel is Asterisk's own."""
        if line == _BOOTED or line in _LISTED:
            return True
        if groups[0]:
            return True
        if self._stamped:
            return False
        before = list(self._recent)[:-1]
        for index in range(len(before)):
            if is_torn(text.decode(before[index])):
                rest = (_BLANK.join(before[index:end]) for end in range(index + 2, len(before) + 1))
                return any(not is_torn(text.decode(block)) for block in rest)
        return True

    def _other(self, block: bytes, items: list[Item]) -> None:
        """A response, the end of a list, or no event at all."""
        self.plain = False
        if block.startswith((b"Response: ", b"Event: ")):
            items.append(response(self._clock, text.decode(block)))
        else:
            self.counters.bad += 1

    def _mend(self, kind: _Kind, block: bytes, whole: str, items: list[Item]) -> None:
        """An event of a kind that matters, but not of its usual shape."""
        found = _read(kind, whole, slow=True)
        if found is None:
            known = without_unknown(whole)
            if known is not None and (found := _read(kind, known)) is not None:
                whole = known
                self.counters.odd += 1
        if found is not None:
            self._give(kind, found, whole, items)
        elif kind.shape.head is not None and kind.shape.head.match(whole):
            self._held.append(block)
        elif _NO_CHANNEL in whole:
            self.counters.skipped += 1
        else:
            self.counters.forged += 1

    def _resume(self, block: bytes, items: list[Item]) -> None:
        """Join a block to the torn event before it."""
        held = self._held
        if block.startswith(b"Response: ") and held[0].startswith(tuple(_LISTED)):
            # The head of a list's item is short enough to be forged; an answer must not be lost.
            held.clear()
            self.counters.bad += 1
            self._run([block], items)
            return
        line = held[0].split(b"\r\n", 1)[0]
        kind = _TABLE[line]
        behind = sum(map(len, held)) - len(held[0])
        too_long = behind > _MAX_TORN * (1 + len(kind.further))
        held.append(block)
        whole = _BLANK.join(held)
        if len(whole) <= self._max_block:
            decoded = text.decode(whole)
            found = _read(kind, decoded, slow=True)
            if found is not None:
                dropped = sum(piece.lstrip(b"\r\n")[:7] == b"Event: " for piece in held[1:])
                held.clear()
                self.counters.torn += 1
                self.counters.forged += dropped
                at = self._give(kind, found, decoded, items)
                if line not in _LISTED:
                    self._tell(at, _uniqueid(kind, found[0]), dropped, items)
                return
        if too_long or len(whole) > self._max_block or len(held) > _MAX_PIECES:
            # Not torn by a number. What stood behind it is what it seems to be.
            rest = held[1:]
            held.clear()
            self.counters.bad += 1
            self._run(rest, items)

    def _tell(self, at: float, uniqueid: str, dropped: int, items: list[Item]) -> None:
        if uniqueid in self._told:
            return
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        self._told.add(uniqueid)
        items.append(events.ForgeryFound(at, uniqueid, dropped))


def _uniqueid(kind: _Kind, groups: Groups) -> str:
    """The Uniqueid of an event's first snapshot that has one, or empty."""
    first = len(groups) - len(CAPTURED) * (1 + len(kind.further))
    at = first + CAPTURED.index("Uniqueid")
    return next((found for found in groups[at :: len(CAPTURED)] if found), "")


def _read(kind: _Kind, block: str, *, slow: bool = False) -> _Found | None:
    """The groups of an event, where its snapshots end, and whether it has any; None if torn."""
    shape = kind.shape
    match = (shape.slow if slow else shape.fast).match(block)
    if match is None:
        return None
    groups: Groups = match.groups("")
    end = match.end()
    if shape.again and not slow and block.find(shape.again, end) >= 0:
        return None
    seen = shape.head is not None and groups[-1] != ""
    for further in kind.further:
        start = block.find(further.start, end)
        if start < 0:
            groups += _ABSENT
            continue
        match = (further.slow if slow else further.fast).match(block, start)
        if match is None:
            return None
        groups += match.groups("")
        end = match.end()
        seen = True
        if not slow and block.find(further.again, end) >= 0:
            return None
    if kind.last and block.find(kind.last, end) < 0:
        return None
    return groups, end, seen
