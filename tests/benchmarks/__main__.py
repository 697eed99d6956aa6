"""`make bench`: how fast ctid is, as ratios of medians on this machine."""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.bytes_path import CLIENTS
from tests.benchmarks.runner import Candidate, Result, measure, medians, spread
from tests.benchmarks.server import serving
from tests.benchmarks.streams import count, stream

# All classes on: 81 % of these events do not matter to ctid.
FULL = ("queue_answered", "queue_abandon", "direct_answered", "queue_survey", "direct_cancel")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each client")
    parser.add_argument("--calls", type=int, default=1000, help="calls in the stream")
    given = parser.parse_args()
    byte_path(given.calls, given.runs)


def byte_path(calls: int, runs: int) -> None:
    """From the socket to events in hand, all events at once, each client in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.ami"
        data = stream(FULL, calls, every=0.05)
        path.write_bytes(data)
        events = count(data)
        print(f"byte path: {calls} calls, {events} events, {len(data) / 1e6:.1f} MB, {runs} runs")
        with serving(path) as port:
            candidates = [
                Candidate(name, ("tests.benchmarks.bytes_path", name, str(port)))
                for name in CLIENTS
            ]
            results = measure(candidates, runs)
    for name in ("counter", "ctid", "panoramisk"):
        seen = {result["events"] for result in results[name]}
        if seen != {events}:
            raise SystemExit(f"{name} saw {seen} of {events} events: nothing can be compared")
    rows = {name: medians(found) for name, found in results.items()}
    print(f"{'client':24}{'events/s':>12}{'CPU s/100k':>12}{'MiB':>8}  CPU s of all runs")
    for name, row in rows.items():
        print(
            f"{name:24}{events / row['seconds']:12,.0f}{_per_100k(row, events):12.3f}"
            f"{row['kib'] / 1024:8.0f}  {spread(results[name], 'cpu')}"
        )
    ours = rows["ctid"]
    for name in ("panoramisk", "panoramisk, 8 patterns"):
        faster = rows[name]["seconds"] / ours["seconds"]
        print(f"ctid takes {faster:.1f} x as many events a second as {name}")
    print(f"ctid takes {ours['cpu'] / rows['counter']['cpu']:.1f} x the CPU of only counting")


def _per_100k(row: Result, events: int) -> float:
    return row["cpu"] / events * 100_000


if __name__ == "__main__":
    main()
