"""Figures are what a plain count over the records gives, from the summary and without it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.batch import Batch
from ctid.domain.records import Gap, GapCause, Outcome, Record, RingResult, Seen
from ctid.domain.tally import Scope
from ctid.store import figures, summary
from ctid.store.figures import Period
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.store.months import (
    AGENTS,
    as_plain,
    calls,
    desk,
    folded,
    plain_count,
    when,
)

T = TypeVar("T")
ZONES = {
    "Europe/Berlin": (date(2026, 9, 29), date(2026, 11, 2)),  # an hour occurs twice on 25 October
    "Asia/Shanghai": (date(2026, 1, 30), date(2026, 3, 2)),
}


def instant(day: date, zone: str, hour: int = 0) -> float:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).timestamp()


def day_of(at: float, zone: str) -> date:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).date()


class Months:
    """A store full of calls in one zone; `now` is noon of the last day."""

    def __init__(self, store: Store, reader: Reader, zone: str) -> None:
        self.store, self.reader, self.zone = store, reader, zone
        self.first, self.last = ZONES[zone]
        self.desk = desk(zone)
        self.now = instant(self.last, zone, 12)
        self.calls: list[list[Record]] = []

    async def fill(self, number: int = 250, seed: int = 7) -> None:
        begin = instant(self.first, self.zone) + 3600
        self.calls = list(calls(seed, begin, self.now, number))
        records = [record for call in self.calls for record in call]
        await self.store.commit(Batch(records=tuple(records), seen=(Seen("main", self.now, None),)))

    async def summarise(self) -> list[date]:
        return await summary.summarise(self.store, self.reader, self.desk, self.now)

    def records(self, keep: Callable[[Record], bool], first: date, last: date) -> list[Record]:
        return [
            record
            for call in self.calls
            for record in call
            if first <= day_of(when(record), self.zone) <= last and keep(record)
        ]

    async def check(self, first: date, last: date) -> None:
        """Everything of one period, against the plain count."""
        period = Period(first, last)
        arguments = (self.reader, self.desk, period, self.now)
        by_line = {(f.scope, f.name): f.counts for f in await figures.by_line(*arguments)}
        for line in ("network", "server", "desktop", "unnamed"):
            wanted = self.records(lambda r, line=line: r.line == line, first, last)  # type: ignore[misc]
            if (Scope.LINE, line) in by_line or wanted:
                found = by_line[Scope.LINE, line]
                assert as_plain(found) == plain_count(wanted, self.zone), line
        for key, members in {
            (Scope.SPECIALTY, "infra"): ("network", "server"),
            (Scope.DESK, ""): ("network", "server", "desktop", "unnamed"),
        }.items():
            outcomes = self._folded(members, first, last)
            found_of = by_line.get(key)
            for outcome in Outcome:
                assert (found_of.of(outcome) if found_of else 0) == outcomes.count(outcome)
        for by_day in await figures.by_day(*arguments, line="server"):
            assert by_day.day is not None
            wanted = self.records(lambda r: r.line == "server", by_day.day, by_day.day)
            assert as_plain(by_day.counts) == plain_count(wanted, self.zone)
        for by_hour in await figures.by_hour(*arguments, line="server"):
            wanted = [
                r
                for r in self.records(lambda r: r.line == "server", first, last)
                if datetime.fromtimestamp(when(r), ZoneInfo(self.zone)).hour == by_hour.hour
            ]
            assert as_plain(by_hour.counts) == plain_count(wanted, self.zone)
        await self._check_agents(period)

    def _folded(self, lines: Sequence[str], first: date, last: date) -> list[Outcome]:
        found = []
        for call in self.calls:
            visits = [record for record in call if record.line in lines]
            if visits:
                at, outcome = folded(visits)
                if first <= day_of(at, self.zone) <= last:
                    found.append(outcome)
        return found

    async def _check_agents(self, period: Period) -> None:
        found = await figures.by_agent(self.reader, self.desk, period, self.now, "network")
        by_name = {figure.agent: figure.counts for figure in found}
        records = self.records(lambda r: r.line == "network", period.first, period.last)
        for agent in AGENTS:
            rings = [
                ring
                for record in records
                if record.outcome != Outcome.EXCLUDED
                for ring in record.rings
                if ring.agent == agent
            ]
            talk = [r.talk_seconds or 0.0 for r in records if r.agent == agent]
            if not rings and not talk:
                continue
            counts = by_name[agent]
            assert counts.rings == len(rings)
            assert counts.answered == [r.result for r in rings].count(RingResult.ANSWERED)
            assert counts.no_answer == [r.result for r in rings].count(RingResult.NO_ANSWER)
            assert counts.talk_seconds == pytest.approx(sum(talk))


@pytest.fixture(params=ZONES)
async def months(request: pytest.FixtureRequest, store: Store, reader: Reader) -> Months:
    made = Months(store, reader, request.param)
    await made.fill()
    return made


async def test_figures_are_the_plain_count_with_and_without_the_summary(months: Months) -> None:
    whole, month = (months.first, months.last), (months.first + timedelta(days=4), months.last)
    await months.check(*whole)
    summarised = await months.summarise()
    assert summarised[-1] == months.last - timedelta(days=1)
    await months.check(*whole)
    await months.check(*month)
    await months.check(months.last, months.last)
    middle = months.first + timedelta(days=20)
    await months.check(middle, middle)


async def test_what_is_summarised_once_is_not_counted_again(months: Months) -> None:
    assert await months.summarise() != []
    assert await months.summarise() == []


async def test_a_correction_of_a_closed_day_is_seen_at_once_and_counted_again(
    months: Months,
) -> None:
    await months.summarise()
    call = months.calls[0]
    corrected = call[0]._replace(outcome=Outcome.MISSED, reason=None, wait_seconds=333.0)
    call[0] = corrected
    await months.store.commit(Batch(records=(corrected,)))
    await months.check(months.first, months.last)
    assert day_of(when(corrected), months.zone) in await months.summarise()
    await months.check(months.first, months.last)


async def test_so_does_a_store_that_was_opened_later(months: Months, url: str) -> None:
    await months.summarise()
    call = months.calls[1]
    call[0] = call[0]._replace(outcome=Outcome.LOST, reason=None, wait_seconds=None)
    async with await Store.open(url) as later:
        await later.commit(Batch(records=(call[0],)))
    await months.check(months.first, months.last)


async def test_a_change_between_counting_and_writing_leaves_the_day_stale(
    months: Months, url: str
) -> None:
    day = months.first + timedelta(days=3)
    record = months.records(lambda _: True, day, day)[0]
    call = next(call for call in months.calls if record in call)
    changed = record._replace(outcome=Outcome.LOST, reason=None, wait_seconds=None)

    class Meanwhile(Store):
        """Stands for a daemon that commits whenever a chunk of the summary has been written."""

        done = False

        async def transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
            result = await super().transaction(work)
            if not self.done and self.summarised_until > when(record):
                self.done = True
                await self.commit(Batch(records=(changed,)))
            return result

    async with await Meanwhile.open(
        str(months.store.database.url.render_as_string(False))
    ) as other:
        await summary.summarise(other, months.reader, months.desk, months.now)
        assert other.done
    call[call.index(record)] = changed
    await months.check(months.first, months.last)


async def test_everything_can_be_rebuilt(months: Months) -> None:
    summarised = await months.summarise()
    await summary.mark_all(months.store)
    await months.check(months.first, months.last)
    assert await months.summarise() == summarised
    await months.check(months.first, months.last)


async def test_another_time_zone_has_other_days(months: Months) -> None:
    await months.summarise()
    other = Months(months.store, months.reader, months.zone)
    other.calls, other.zone, other.desk = months.calls, "America/New_York", desk("America/New_York")
    await other.check(other.first, other.last)
    await other.summarise()
    await other.check(other.first, other.last)


async def test_coverage_is_the_share_of_time_without_gaps(months: Months) -> None:
    day = months.first + timedelta(days=5)
    noon = instant(day, months.zone, 12)
    gaps = (
        Gap("main", noon, noon + 3600, GapCause.CONNECTION_LOST),
        Gap("main", noon + 1800, noon + 7200, GapCause.PING_TIMEOUT),
        Gap("elsewhere", noon, noon + 40000, GapCause.PING_TIMEOUT),
    )
    await months.store.commit(Batch(gaps=gaps))
    arguments = (months.reader, months.desk)
    found = await figures.by_day(*arguments, Period(day, day + timedelta(days=1)), months.now)
    assert [f.coverage for f in found] == [pytest.approx(1 - 2 / 24), 1.0]
    (desk_figure,) = [
        f
        for f in await figures.by_line(*arguments, Period(day, day), months.now)
        if f.scope is Scope.DESK
    ]
    assert desk_figure.coverage == pytest.approx(1 - 2 / 24)
    hours = await figures.by_hour(*arguments, Period(day, day + timedelta(days=1)), months.now)
    assert {f.hour: f.coverage for f in hours} == {
        hour: pytest.approx(0.5 if hour in (12, 13) else 1.0) for hour in range(24)
    }


async def test_before_ctid_was_there_nothing_was_seen(months: Months) -> None:
    day = months.first - timedelta(days=10)
    (found,) = await figures.by_day(months.reader, months.desk, Period(day, day), months.now)
    assert (found.coverage, found.counts.answer_rate) == (0.0, None)


async def test_what_has_not_come_yet_has_no_coverage(months: Months) -> None:
    day = months.last + timedelta(days=1)
    (found,) = await figures.by_day(months.reader, months.desk, Period(day, day), months.now)
    assert found.coverage is None
