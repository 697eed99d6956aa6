"""A thousand lines that nobody answers cross their limit together: when do people know?

`python -m tests.benchmarks.paging` runs the daemon, a PBX and a webhook, each a process of its own.
A caller waits on every line, answered calls on other lines go on beside it all. Measured is from
the limit of each line (its caller's time in the queue by the PBX's clock, and 3 s) to the first
byte of its page at the webhook. Scenarios end the daemon with SIGKILL and start it again at once.
"""

import argparse
import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.paging_play import LIMIT_SECONDS, SCENARIOS, Result, Scenario, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.paging")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0, help="answered calls a second")
    parser.add_argument("--only", type=int, help="the number of one scenario, from 1")
    given = parser.parse_args()
    chosen = SCENARIOS if given.only is None else SCENARIOS[given.only - 1 : given.only]
    measure(scenario._replace(lines=given.lines, rate=given.rate) for scenario in chosen)


def measure(scenarios: Iterable[Scenario]) -> None:
    """Run them one after the other, and print what they gave."""
    for scenario in scenarios:
        with tempfile.TemporaryDirectory() as folder:
            _print(asyncio.run(run(scenario, Path(folder))))


def _print(result: Result) -> None:
    scenario, late = result.scenario, result.lateness()
    load = os.getloadavg()[0]
    print(
        f"{scenario.name}: {scenario.lines} lines, {scenario.rate:g} calls/s beside them; "
        f"load {load:.1f} on {os.cpu_count()} cores"
    )
    print(f"  from the limit to the page, seconds: {_shares(late)}")
    print(f"  from the limit to its decision: {_shares(result.undecided())}")
    print(f"  CPU of the daemon meanwhile, seconds: {result.busy}")
    if result.killed_at is not None and result.ready_at is not None:
        since = result.killed_at - min(result.offered.values())
        down = result.ready_at - result.killed_at
        print(f"  killed {since:.2f} s after the first caller came, attached again in {down:.2f} s")
        waited = [
            page.at - max(result.offered[page.line] + LIMIT_SECONDS, result.ready_at)
            for page in result.firing()
            if page.at > result.ready_at
        ]
        print(f"  from the limit, or from being attached again: {_shares(waited)}")
    print(
        f"  missing {len(result.missing())}, twice {len(result.doubled())}, "
        f"sent again by the same key {len(result.again())}; "
        f"other pages {_others(result)}"
    )
    unseen = (
        f", {result.unseen} left no trace before the kill and ended before the start"
        if result.unseen
        else ""
    )
    print(f"  calls: {result.recorded} of {result.calls} recorded{unseen}")
    for line in result.troubles():
        print("  log:", line)
    print("  raw samples:", " ".join(f"{sample:.3f}" for sample in late), flush=True)


def _others(result: Result) -> str:
    others = Counter(page.event for page in result.arrivals if page.event != "firing")
    others["firing of another line"] = sum(
        page.event == "firing" and page.line not in result.offered for page in result.arrivals
    )
    return _words(others)


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items() if number) or "none"


def _shares(samples: Sequence[float]) -> str:
    if not samples:
        return "none"
    ordered = sorted(samples)
    at = {
        f"p{share * 100:g}": ordered[max(0, round(len(ordered) * share) - 1)]
        for share in (0.5, 0.9, 0.99)
    }
    at["max"] = ordered[-1]
    return ", ".join(f"{name} {seconds:.3f}" for name, seconds in at.items())


if __name__ == "__main__":
    main()
