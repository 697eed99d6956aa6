"""`make bench`: how fast ctid is, as ratios of medians on this machine."""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks import latency, metrics, paging
from tests.benchmarks.bytes_path import CLIENTS
from tests.benchmarks.paging_play import SCENARIOS
from tests.benchmarks.runner import Candidate, Result, measure, medians, spread
from tests.benchmarks.server import serving
from tests.benchmarks.streams import count, stream
from tests.benchmarks.to_disk import CLIENTS as WRITERS

# All classes on: 81 % of these events do not matter to ctid.
FULL = ("queue_answered", "queue_abandon", "direct_answered", "queue_survey", "direct_cancel")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each client")
    parser.add_argument("--calls", type=int, default=1000, help="calls in the stream")
    parser.add_argument("--open", type=int, default=5000, help="calls open at once")
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second, for the delay")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="how long the delay is measured"
    )
    given = parser.parse_args()
    byte_path(given.calls, given.runs)
    print()
    to_disk(given.calls, given.runs)
    print()
    memory(given.open)
    print()
    delay(given.rate, given.seconds)
    print()
    metrics.main(given.seconds)
    print()
    paging.measure(SCENARIOS)


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


def to_disk(calls: int, runs: int) -> None:
    """From the socket to committed records, all events at once; every call must be on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.ami"
        path.write_bytes(stream(FULL, calls, every=0.05))
        print(f"to disk: {calls} calls, {runs} runs, SQLite with WAL and FULL")
        with serving(path) as port:
            candidates = [
                Candidate(name, ("tests.benchmarks.to_disk", name, str(port), str(calls)))
                for name in WRITERS
            ]
            results = measure(candidates, runs)
    rows = {name: medians(found) for name, found in results.items()}
    print(f"{'client':32}{'calls/s':>10}{'CPU s':>8}{'MiB':>8}  seconds of all runs")
    for name, row in rows.items():
        print(
            f"{name:32}{calls / row['seconds']:10,.0f}{row['cpu']:8.3f}{row['kib'] / 1024:8.0f}"
            f"  {spread(results[name], 'seconds')}"
        )
    ours, theirs = (rows[name]["seconds"] for name in WRITERS)
    print(f"ctid is {theirs / ours:.1f} x as fast as panoramisk with a commit per call")


def memory(calls: int) -> None:
    """The most memory that the daemon's parts take with many calls open at once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.ami"
        path.write_bytes(
            stream(("queue_answered", "direct_answered"), calls, every=0.01, open_only=True)
        )
        with serving(path) as port:
            candidate = Candidate("ctid", ("tests.benchmarks.memory", str(port), str(calls)))
            (result,) = measure([candidate], 1)["ctid"]
    print(f"memory: {result['kib'] / 1024:.0f} MiB at most with {calls} calls open at once")


def delay(rate: float, seconds: float) -> None:
    """From a call's Hangup on the PBX to the end of the commit, at a steady rate."""
    samples = latency.main(rate, seconds)
    ordered = sorted(samples)
    if len(ordered) != int(rate * seconds):
        raise SystemExit(f"{len(ordered)} of {int(rate * seconds)} calls were committed")
    print(f"delay from PBX to commit, {rate:g} calls/s for {seconds:g} s, milliseconds")
    for share in (0.5, 0.9, 0.99, 1.0):
        print(f"  p{share * 100:g}: {ordered[max(0, round(len(ordered) * share) - 1)]:.1f}")
    print("raw samples:", " ".join(f"{sample:.1f}" for sample in samples))


def _per_100k(row: Result, events: int) -> float:
    return row["cpu"] / events * 100_000


if __name__ == "__main__":
    main()
