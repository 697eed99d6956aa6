"""The shapes of AMI events: which headers follow each other, as regular expressions.

Asterisk writes a channel as a fixed run of 14 headers (its snapshot), perhaps with a prefix before
each name (`Dest`, `Parkee` ...). Everything in it is escaped or set by the PBX but the numbers,
which an outside caller chooses: up to 79 bytes, CR LF included. So the caller can add headers, cut
the event in two with a blank line and write a short event of his own in between. He cannot write
a snapshot, because its names alone are longer than 79 bytes. From this follows:

* `fast`: the 14 headers, each on one line, one directly behind the other. Cannot be forged.
* `slow`: the same, but numbers (and Exten, where a dialplan takes `_X.`) may hold line breaks.
* a block that ends within the snapshot was torn. Its `head`, up to the first number, cannot be
  forged either: it is longer than 79 bytes too.
"""

import re
from typing import NamedTuple

SNAPSHOT = (
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
)
CAPTURED = (
    "Channel",
    "ChannelState",
    "CallerIDNum",
    "CallerIDName",
    "Context",
    "Exten",
    "Uniqueid",
    "Linkedid",
)
_HOSTILE = frozenset({"CallerIDNum", "ConnectedLineNum", "Exten"})
# Twice what Asterisk keeps of a number; bounds the backtracking.
_MAX_NUMBER = 160
_END = r"(?=\r\n|\Z)"


def preamble(kind: str) -> str:
    """What every event begins with; one group, the Timestamp.

    Its form is exact because an event without a snapshot is believed for its length.
    """
    return (
        rf"Event: {kind}\r\nPrivilege: [a-z]+,all"
        r"(?:\r\nTimestamp: ([0-9]{10,11}\.[0-9]{6}))?(?:\r\nSystemName: .*)?"
    )


def loose_preamble(kind: str) -> str:
    """The same in a form that is faster to match, for events whose snapshot proves them."""
    return (
        rf"Event: {kind}\r\nPrivilege: .*,all"
        r"(?:\r\nTimestamp: ([^\r]*+))?(?:\r\nSystemName: [^\r]*+)?"
    )


def snapshot(prefix: str, *, slow: bool = False) -> str:
    """The 14 headers with their leading line breaks; one group for each of `CAPTURED`."""
    pattern = r"\r\n"
    for header in SNAPSHOT:
        if slow and header in _HOSTILE:
            # Greedy: what the caller forged stands before the true next header.
            value = rf"(?s:.{{0,{_MAX_NUMBER}}})"
        elif header == "ChannelState":
            value = "[0-9]{1,9}"
        else:
            value = r"[^\r]*" if slow else r"[^\r]*+"
        if header in CAPTURED:
            pattern += rf"{prefix}{header}: ({value})\r\n"
        elif slow:
            pattern += rf"{prefix}{header}: {value}\r\n"
        else:
            # Takes the CR as well. Nothing is ever given back (`*+`): that is a third faster.
            pattern += rf"{prefix}{header}: .*+\n"
    return pattern.removesuffix(r"\r\n") + _END


class Shape(NamedTuple):
    """How one kind of event begins.

    The groups of `fast` and `slow`: the Timestamp, those of the event's own first headers, those
    of the snapshot. `head` is what a torn block still has of it; `again` is a header that behind
    the snapshot shows that an Exten pretended to be its end.
    """

    fast: re.Pattern[str]
    slow: re.Pattern[str]
    head: re.Pattern[str] | None
    again: str

    def whole(self, further: tuple["Further", ...]) -> re.Pattern[str]:
        """`fast`, and directly behind it all that can follow."""
        return re.compile(self.fast.pattern + "".join(more.fast.pattern for more in further))


def shape(begin: str, prefix: str = "", *, unless: str | None = None) -> Shape:
    """`begin`, then the snapshot of `prefix`. `unless`: it may be absent before this header."""
    head = _head(prefix)
    fast, slow = snapshot(prefix), snapshot(prefix, slow=True)
    if unless is not None:
        fast = rf"(?:{fast}|(?=\r\n{unless}: ))"
        slow = rf"(?:{slow}|(?=\r\n{unless}: ))"
        if unless.endswith(SNAPSHOT[0]):
            # Another snapshot takes its place. Its whole head, again, is longer than a number.
            head = rf"(?:{head}|{_head(unless.removesuffix(SNAPSHOT[0]))})"
    return Shape(
        re.compile(begin + fast),
        re.compile(begin + slow),
        re.compile(begin + head),
        f"\r\n{prefix}{SNAPSHOT[-1]}: ",
    )


def _head(prefix: str) -> str:
    start = "".join(rf"\r\n{prefix}{header}: .*" for header in SNAPSHOT[:3])
    return start + rf"\r\n{prefix}{SNAPSHOT[3]}: "


def bare(pattern: str, *, tearable: bool = False) -> Shape:
    """An event without a snapshot. `tearable`: it holds a number all the same, behind this."""
    compiled = re.compile(pattern + _END)
    return Shape(compiled, compiled, compiled if tearable else None, "")


class Further(NamedTuple):
    """A second, third ... snapshot within an event: how it starts; the rest as in `Shape`."""

    start: str
    fast: re.Pattern[str]
    slow: re.Pattern[str]
    again: str


def further(prefix: str) -> Further:
    return Further(
        f"\r\n{prefix}{SNAPSHOT[0]}: ",
        re.compile(snapshot(prefix)),
        re.compile(snapshot(prefix, slow=True)),
        f"\r\n{prefix}{SNAPSHOT[-1]}: ",
    )


def boring(header: str, wanted: tuple[str, ...]) -> re.Pattern[bytes]:
    """Matches a block whose snapshot is whole and whose `header` behind it is none of `wanted`.

    `wanted` are patterns of the header's value, and of the next headers if need be.

    Names from Language on are longer than a number can be, so a torn block never matches.
    """
    tail = "".join(rf"{name}: .*+\n" for name in SNAPSHOT[7:])
    return re.compile(
        (tail + rf"(?:Tenantid: .*\n)?(?:Extension: .*\n)?{header}: ").encode()
        + rf"(?!(?:{'|'.join(wanted)})(?:\r\n|\Z))".encode()
    )


_START = re.compile(r"\r\n(\w*)" + r": .*\r\n\1".join(SNAPSHOT[:3]) + rf": .*\r\n\1{SNAPSHOT[3]}: ")
_ANY = re.compile(preamble(r"\w+"))


def is_torn(block: str) -> bool:
    """Whether this is an event of any kind that ends within a snapshot."""
    begin = _ANY.match(block)
    if begin is None:
        return False
    at = begin.end()
    while (start := _START.search(block, at)) is not None:
        whole = re.compile(snapshot(start[1], slow=True)).match(block, start.start())
        if whole is None:
            return without_unknown(block) is None
        at = whole.end()
    return False


def without_unknown(block: str) -> str | None:
    """The block without headers that we do not know within a snapshot, or None.

    None if a snapshot is not whole, or has one of its headers twice: then a number forged them.
    """
    kept = []
    prefix, step = "", 0
    for line in block.split("\r\n"):
        header = line.partition(":")[0]
        if step == 0 and header.endswith(SNAPSHOT[0]):
            prefix = header[: -len(SNAPSHOT[0])]
            step = 1
        elif step:
            name = header.removeprefix(prefix)
            if header.startswith(prefix) and name == SNAPSHOT[step]:
                step = (step + 1) % len(SNAPSHOT)
            elif name in SNAPSHOT:
                return None
            else:
                continue
        kept.append(line)
    return None if step else "\r\n".join(kept)


def field(text: str, header: str, start: int) -> str:
    r"""The value of the first such header from `start` on; empty where there is none.

    `header` is written with its ends, as in "\r\nCause: ".
    """
    at = text.find(header, start)
    if at < 0:
        return ""
    at += len(header)
    end = text.find("\r\n", at)
    return text[at:] if end < 0 else text[at:end]
