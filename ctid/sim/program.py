"""Which calls come when."""

import heapq
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ctid.sim.template import Template


class Call(NamedTuple):
    """One copy of a recorded stream, `after` seconds from the beginning of the play."""

    after: float
    number: int
    name: str


def program(deck: Sequence[str], *, every: float, seed: int) -> Iterator[Call]:
    """Streams without end: the deck as it is, then shuffled again and again.

    One begins each `every` seconds, give or take a third. The same seed gives the same calls.
    """
    chance = random.Random(seed)  # noqa: S311 - a play, no secret
    order = list(deck)
    number = 0
    while True:
        for name in order:
            yield Call((number + chance.uniform(0, 1 / 3)) * every, number, name)
            number += 1
        chance.shuffle(order)


def within(
    calls: Iterable[Call], templates: Mapping[str, Template], seconds: float
) -> Iterator[Call]:
    """Those that end in time; the first one is never left out."""
    for call in calls:
        if call.after > seconds:
            return
        if not call.number or call.after + templates[call.name].seconds <= seconds:
            yield call


def blocks(
    calls: Iterable[Call], templates: Mapping[str, Template], begin: float
) -> Iterator[tuple[float, bytes]]:
    """All blocks of calls that come in order, in order of time (Unix seconds), without blanks.

    Takes a call from the iterator only when its time has come, so that may be endless.
    """
    waiting: list[tuple[float, int, bytes, Iterator[tuple[float, int, bytes]]]] = []
    for call in calls:
        at = begin + call.after
        while waiting and waiting[0][0] < at:
            yield _next(waiting)
        copy = templates[call.name].copy(call.number, at)
        for first in copy:
            heapq.heappush(waiting, (*first, copy))
            break
    while waiting:
        yield _next(waiting)


def _next(
    waiting: list[tuple[float, int, bytes, Iterator[tuple[float, int, bytes]]]],
) -> tuple[float, bytes]:
    at, _, block, copy = waiting[0]
    for following in copy:
        heapq.heapreplace(waiting, (*following, copy))
        break
    else:
        heapq.heappop(waiting)
    return at, block
