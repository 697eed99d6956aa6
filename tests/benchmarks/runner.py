"""Runs candidates in turn, several times, and compares their medians."""

import json
import subprocess
import sys
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

Result = dict[str, float]


class Candidate(NamedTuple):
    """A program that prints its figures as one JSON object."""

    name: str
    arguments: tuple[str, ...]


def measure(candidates: Sequence[Candidate], runs: int) -> dict[str, list[Result]]:
    """Interleaved, so that a slow minute of the machine hits all alike; the first round is warm-up.

    Raises CalledProcessError, TimeoutExpired.
    """
    results: dict[str, list[Result]] = {candidate.name: [] for candidate in candidates}
    for run in range(runs + 1):
        for candidate in candidates:
            done = subprocess.run(
                [sys.executable, "-m", *candidate.arguments],
                check=True,
                capture_output=True,
                text=True,
                timeout=300,
            )
            if run:
                results[candidate.name].append(json.loads(done.stdout))
    return results


def medians(results: Sequence[Result]) -> Result:
    return {key: median(result[key] for result in results) for key in results[0]}


def spread(results: Sequence[Result], key: str) -> str:
    """`low-high` of all runs, as read."""
    values = sorted(result[key] for result in results)
    return f"{values[0]:.3f}-{values[-1]:.3f}"
