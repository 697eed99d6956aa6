"""Figures, look-ups, retention and a backup over a database of many offers.

`python -m tests.benchmarks.figures --offers 10000000` fills a SQLite file, summarises its days, and
measures; `--write` puts the table into docs/benchmarks.md.
"""

import argparse
import asyncio
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from ctid.collector import calm_the_collector
from ctid.domain.batch import Batch
from ctid.domain.days import midnight
from ctid.domain.lines import Line
from ctid.domain.tally import Desk
from ctid.store import figures, migrate, retention, summary
from ctid.store.backup import backup
from ctid.store.figures import Period
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store import samples

ZONE = "Asia/Shanghai"
FIRST = date(2023, 11, 1)
DAYS = 3 * 365
TODAY = FIRST + timedelta(days=DAYS)
LINES = 50
CALLS_OF_COMMITS = 200
BEGIN, NOW = midnight(FIRST, ZONE), midnight(TODAY, ZONE) + 15 * 3600
DESK = Desk(
    ZONE,
    {
        f"line{n:02}": Line(
            f"line{n:02}", "", f"specialty{n % 8}", frozenset(), (), frozenset(), frozenset(),
            None, ZONE, 0.75,
        )
        for n in range(LINES)
    },
    ("main",),
)  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"
BEGIN_MARK, END_MARK = "<!-- figures: begin -->", "<!-- figures: end -->"


def rows(offers: int) -> Iterator[tuple[Any, ...]]:
    """Records over three years and the morning of today, by day, more by day than by night."""
    chance = random.Random(1)
    for n in range(offers):
        day = n * DAYS // offers if n < offers - offers // DAYS else DAYS
        at = midnight_of(day) + min(86_399.0, max(0.0, chance.gauss(43_200, 12_000)))
        if day == DAYS:
            at = min(at, NOW)
        draw = chance.random()
        wait = chance.random() * 60
        outcome = "answered"
        reason: str | None = None
        offered: float | None = at
        if draw > 0.95:
            outcome, reason, offered = "not_offered", "after_hours", None
        elif draw > 0.8:
            outcome, reason = "missed", "caller_hangup"
        yes = outcome == "answered"
        yield (
            f"{int(at)}.{n}", f"line{n % LINES:02}", f"13{n % 1_000_000_000:09}", at - 5, offered,
            at + 200, outcome, reason, f"agent{n % 300}" if yes else None,
            wait if offered else None, 120.5 if yes else None, 3.0 if yes else None,
            f'[{{"seq":0,"at":{at},"kind":"call_began","because":"channel came up","data":{{}}}}]',
        )  # fmt: skip


_MIDNIGHTS: list[float] = []


def midnight_of(day: int) -> float:
    if not _MIDNIGHTS:
        _MIDNIGHTS.extend(midnight(FIRST + timedelta(days=n), ZONE) for n in range(DAYS + 1))
    return _MIDNIGHTS[day]


def fill(path: Path, offers: int) -> None:
    """Write the rows past the store, and the indexes at the end: minutes instead of hours."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    names = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indexes = database.execute(names).fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    made = rows(offers)
    while some := list(islice(made, 50_000)):
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO record (pbx, uniqueid, ordinal, linkedid, direction, line, transferred,"
            " caller_number, started_at, offered_at, ended_at, outcome, reason, agent, agents_rung,"
            " rings, transfers, wait_seconds, talk_seconds, hold_seconds, open, because)"
            " VALUES ('main', ?1, 0, ?1, 'inbound', ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '[]',"
            " '[]', '[]', ?10, ?11, ?12, 0, 'BridgeEnter beside the caller')",
            [row[:12] for row in some],
        )
        database.executemany(
            "INSERT INTO ring VALUES ('main', ?, 0, 0, ?, 'PJSIP/101-0001', ?, ?, ?, 'answered')",
            [(row[0], row[8], row[4], row[4], row[5]) for row in some if row[8]],
        )
        database.executemany(
            "INSERT INTO history VALUES ('main', ?, 0, ?)", [(row[0], row[12]) for row in some]
        )
        database.execute("COMMIT")
    for _, statement in indexes:
        database.execute(statement)
    database.execute("INSERT INTO seen VALUES ('main', ?, NULL)", (NOW,))
    database.execute("PRAGMA journal_mode=WAL")
    database.close()


async def timed(work: Callable[[], Awaitable[Any]], runs: int) -> list[float]:
    """Milliseconds of each run."""
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        await work()
        found.append((time.perf_counter() - began) * 1000)
    return found


async def commits_during(store: Store, work: Awaitable[Any]) -> list[float]:
    """Milliseconds of commits, twenty a second, while something else goes on.

    The same few calls again and again: today has to stay as busy as the other days.
    """
    other = asyncio.ensure_future(work)  # noqa: TID251 - awaited below
    found: list[float] = []
    while not other.done() or len(found) < 20:
        n = 10_000_000 + len(found) % CALLS_OF_COMMITS
        at = NOW + n % CALLS_OF_COMMITS
        call = samples.answered(n)._replace(started_at=at, offered_at=at, ended_at=at + 60)
        batch = Batch(records=(call,), facts=samples.facts(n))
        found += await timed(lambda batch=batch: store.commit(batch), 1)  # type: ignore[misc]
        await asyncio.sleep(0.05)
    await other
    return found


async def measure(path: Path, offers: int, runs: int) -> list[tuple[str, float, list[float]]]:
    """What was measured, its bar, and the samples; all milliseconds."""
    results: list[tuple[str, float, list[float]]] = []
    async with await Store.open(str(path)) as store, await Reader.open(str(path)) as reader:
        began = time.perf_counter()
        counting = await commits_during(store, summary.summarise(store, reader, DESK, NOW))
        print(f"summarised in {time.perf_counter() - began:.0f} s", flush=True)
        results.append(("commit while summarising", 100, counting))
        periods = {
            "today": Period(TODAY, TODAY),
            "a closed day": Period(TODAY - timedelta(days=40), TODAY - timedelta(days=40)),
            "this month": Period(TODAY.replace(day=1), TODAY),
            "a month": Period(date(2026, 9, 1), date(2026, 9, 30)),
            "30 days": Period(TODAY - timedelta(days=45), TODAY - timedelta(days=16)),
            "a year": Period(date(2025, 1, 1), date(2025, 12, 31)),
            "365 days": Period(TODAY - timedelta(days=365), TODAY - timedelta(days=1)),
        }
        for name, period in periods.items():
            found = await timed(lambda p=period: figures.by_line(reader, DESK, p, NOW), runs)  # type: ignore[misc]
            results.append((f"all lines, {name}", 100, found))
        row = next(islice(rows(offers), offers // 2, None))
        number = RecordFilter(caller_number=row[2])
        by_id = RecordFilter(pbx="main", uniqueid=row[0])
        results.append(("calls of a number", 20, await timed(lambda: reader.records(number), runs)))
        results.append(("a call by id", 20, await timed(lambda: reader.records(by_id), runs)))
        copy = path.with_suffix(".copy")
        work = asyncio.to_thread(backup, store.database, copy)
        results.append(("commit during a backup", 100, await commits_during(store, work)))
        copy.unlink()
        old = midnight(FIRST + timedelta(days=max(8, 40_000 * DAYS // offers)), ZONE)
        results.append(
            (
                "commit during retention",
                100,
                await commits_during(store, retention.retain(store, old)),
            )
        )
    return results


def table(results: list[tuple[str, float, list[float]]], offers: int, size: float) -> str:
    """The results in Markdown."""
    about = f"{offers:,} offers of {LINES} lines over 3 years, {size / 1e9:.1f} GB"
    versions = f"SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}"
    lines = [
        f"{about}; {versions}. Milliseconds.",
        "",
        "| what | bar | median | greatest | runs |",
        "|---|---|---|---|---|",
    ]
    for name, bar, found in results:
        middle = statistics.median(found)
        lines.append(f"| {name} | {bar:g} | {middle:.1f} | {max(found):.1f} | {len(found)} |")
    return "\n".join(lines)


def write(text: str) -> None:
    """Replace what stands between the markers in docs/benchmarks.md."""
    before, _, rest = PAGE.read_text().partition(BEGIN_MARK)
    after = rest.partition(END_MARK)[2]
    PAGE.write_text(f"{before}{BEGIN_MARK}\n{text}\n{END_MARK}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.figures", description=__doc__)
    parser.add_argument("--offers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite3"
        asyncio.run(migrate.upgrade(str(path)))
        began = time.perf_counter()
        fill(path, given.offers)
        print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
        size = path.stat().st_size
        calm_the_collector()  # as `ctid report` does
        results = asyncio.run(measure(path, given.offers, given.runs))
    text = table(results, given.offers, size)
    print(text)
    for name, _, found in results:
        shown = found if len(found) <= given.runs else sorted(found)[-given.runs :]
        print(f"{name}:", " ".join(f"{sample:.1f}" for sample in shown))
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
