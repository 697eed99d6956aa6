"""The answer rates of the running day and month, from a real database."""

import asyncio
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ctid.domain.batch import Batch
from ctid.domain.records import Outcome, Reason, Record
from ctid.outbound.rates import Keeper, answer_rates
from ctid.outbound.reading import Rates
from ctid.store import migrate
from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.store import samples
from tests.waiting import until

ZONE = "Asia/Shanghai"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()


def offer(n: int, offered_at: float, outcome: Outcome, line: str = "network") -> Record:
    reason = Reason.NO_ANSWER if outcome is Outcome.MISSED else None
    record = samples.ringing(n)
    return record._replace(
        line=line, offered_at=offered_at, outcome=outcome, reason=reason, open=False
    )


async def test_day_and_month_begin_at_local_midnight(tmp_path: Path) -> None:
    url = str(tmp_path / "ctid.sqlite3")
    await migrate.upgrade(url)
    given = [
        (at("2026-10-31 23:59:59"), Outcome.ANSWERED),  # of the last month
        (at("2026-11-01 00:00:00"), Outcome.ANSWERED),
        (at("2026-11-24 23:59:59"), Outcome.OVERFLOWED),
        (at("2026-11-25 00:00:00"), Outcome.MISSED),
        (at("2026-11-25 07:00:00"), Outcome.ANSWERED),
        (at("2026-11-25 07:00:01"), Outcome.NOT_OFFERED),
        (at("2026-11-25 07:00:02"), Outcome.LOST),
    ]
    records = [offer(n, *one) for n, one in enumerate(given)]
    # found waiting after a gap: when it was offered is not known, that it came today is
    began = at("2026-11-25 07:30:00")
    unseen = offer(51, began, Outcome.ANSWERED)._replace(offered_at=None, started_at=began)
    records.append(unseen)
    records.append(offer(50, at("2026-11-02 12:00:00"), Outcome.MISSED, "server"))
    async with await Store.open(url) as store:
        await store.commit(Batch(records=tuple(records)))
    async with await Reader.open(url) as reader:
        lines = ["network", "server", "quiet"]
        rates = await answer_rates(reader, lines, ZONE, at("2026-11-25 08:00:00"))
    assert rates == {
        ("network", "today"): 2 / 3,
        ("network", "month"): 3 / 5,
        ("server", "month"): 0.0,
    }


async def test_what_cannot_be_read_is_absent_and_comes_again() -> None:
    answers: list[Rates | StoreUnavailable] = [
        {("a", "today"): 0.5},
        StoreUnavailable(StoreReason.LOCKED, "locked"),
        {("a", "today"): 0.75},
    ]
    seen: list[Rates] = []

    async def compute() -> Rates:
        seen.append(keeper.current())
        answer = answers.pop(0) if answers else {}
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    keeper: Keeper[Rates] = Keeper(compute, {}, every_seconds=0.0)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(keeper.run())
        await until(lambda: len(seen) > 3)
        running.cancel()
    assert seen[:4] == [{}, {("a", "today"): 0.5}, {}, {("a", "today"): 0.75}]
