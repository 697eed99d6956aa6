"""The PBX of `paging`, a process of its own: answered calls, and in between callers for ever.

`python -m tests.benchmarks.paging_pbx SECRET LINES RATE BEFORE AFTER` prints its port. Once it is
told a line it plays: RATE answered calls a second on lines `b00` and on, and BEFORE seconds later a
caller on each of `q0000` and on, whom nobody answers; it goes on for AFTER seconds. It prints
`LINE OFFERED_AT` (Unix seconds) of each such caller, `call UNIQUEID ENDED_AT` of each other one,
and at the end how many these were.
"""

import asyncio
import heapq
import re
import sys
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from ctid.sim.program import Call
from ctid.sim.recordings import recorded
from ctid.sim.server import SimulatedPbx
from ctid.sim.template import BLANK, Template

BUSY_LINES: Final = 50
_TOGETHER_SECONDS: Final = 0.1
"""Within so long all the waiting callers come."""
_FIRST_NUMBER: Final = 1_000_000
_QUEUE: Final = b"hotline"
_STAMP: Final = re.compile(rb"\r\nTimestamp: (\d+\.\d+)\r\n")
_GOES: Final = b"Event: HangupRequest"
_JOINS: Final = b"Event: QueueCallerJoin"
_FIRST: Final = re.compile(rb"^Event: Newchannel\r\n(?s:.*)\r\nUniqueid: (\S+)\r\n")
_MEMBER: Final = b"Event: QueueMemberStatus"


class Waiting(Template):
    """A caller whom nobody answers, and who never goes. Tells when each copy joins the queue."""

    def __init__(self, data: bytes, line: str) -> None:
        blocks = data.split(BLANK)
        blocks = blocks[: next(n for n, block in enumerate(blocks) if block.startswith(_GOES))]
        super().__init__(BLANK.join(blocks) + BLANK)
        joins = next(block for block in blocks if block.startswith(_JOINS))
        self._line = line
        self._joins_after = _at(joins) - self.begin

    def copy(self, number: int, at: float) -> Iterator[tuple[float, int, bytes]]:
        print(self._line, f"{at + self._joins_after:.6f}", flush=True)
        return super().copy(number, at)


class Answered(Template):
    """A call that is answered. Tells its id when a copy begins, and when that will end."""

    def copy(self, number: int, at: float) -> Iterator[tuple[float, int, bytes]]:
        begun = False
        for when, copied, block in super().copy(number, at):
            if not begun and (found := _FIRST.search(block)):
                begun = True
                print("call", found[1].decode(), f"{at + self.seconds:.6f}", flush=True)
            yield when, copied, block


def of_queue(name: str, queue: str) -> bytes:
    """A recorded call by another queue, whose members have phones of their own."""
    written = re.sub(rb"\ba10(\d)\b", b"%s.\\1" % queue.encode(), recorded(name))
    blocks = written.replace(_QUEUE, queue.encode()).split(BLANK)
    own = b"\r\nQueue: %s\r\n" % queue.encode()
    return BLANK.join(block for block in blocks if not block.startswith(_MEMBER) or own in block)


def waiting_lines(number: int) -> list[str]:
    return [f"q{line:04}" for line in range(number)]


def busy_lines() -> list[str]:
    return [f"b{line:02}" for line in range(BUSY_LINES)]


def _at(block: bytes) -> float:
    stamp = _STAMP.search(block)
    assert stamp is not None
    return float(stamp[1])


async def main(secret: str, lines: int, rate: float, before: float, after: float) -> None:
    waiting, busy = waiting_lines(lines), busy_lines()
    templates: dict[str, Template] = {
        line: Waiting(of_queue("queue_abandon", line), line) for line in waiting
    }
    templates |= {line: Answered(of_queue("queue_answered", line)) for line in busy}
    answered = [
        Call(number / rate, number, busy[number % len(busy)])
        for number in range(int((before + after) * rate))
    ]
    callers = (
        Call(before + number * _TOGETHER_SECONDS / lines, _FIRST_NUMBER + number, line)
        for number, line in enumerate(waiting)
    )
    loop = asyncio.get_running_loop()
    async with SimulatedPbx(secret, templates) as pbx:
        print(pbx.port, flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        await pbx.play(heapq.merge(answered, callers, key=attrgetter("after")))
        print("answered", len(answered), flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:6])))
