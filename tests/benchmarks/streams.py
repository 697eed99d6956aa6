"""Streams of any size out of the captures: each copy is another call, at another time."""

import gzip
import heapq
from collections.abc import Iterable
from pathlib import Path

from ctid.sim.template import BLANK, Template

CAPTURES = Path(__file__).parents[1] / "captures"
BEGIN = 1_800_000_000.0  # Unix seconds of the first event


def recorded(name: str) -> bytes:
    path = CAPTURES / f"{name}.ami"
    if path.exists():
        return path.read_bytes()
    return gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes())


def stream(names: Iterable[str], copies: int, *, every: float, open_only: bool = False) -> bytes:
    """`copies` of the recorded streams in turn, one beginning `every` seconds, in order of time.

    Without a greeting. `open_only`: the calls are answered, and nobody hangs up.
    """
    templates = [Template(recorded(name), open_only=open_only) for name in names]
    calls = (
        templates[number % len(templates)].copy(number, BEGIN + number * every)
        for number in range(copies)
    )
    return b"".join(block + BLANK for _, _, block in heapq.merge(*calls))


def count(data: bytes) -> int:
    """Events in a stream."""
    return data.count(BLANK)
