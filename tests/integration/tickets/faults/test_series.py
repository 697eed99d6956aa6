"""Whatever breaks between the PBX and the ticket system: every call has exactly one ticket."""

import asyncio
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.integration.tickets.faults.series import Run, run
from tests.integration.tickets.faults.sight import overlooked

AT_ONCE = 3


async def _series(folder: Path, seeds: range) -> list[Run]:
    found: list[Run] = []
    waiting = iter(seeds)

    async def some() -> None:
        for seed in waiting:
            here = folder / str(seed)
            here.mkdir()
            found.append(await run(here, seed))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(some())
    return found


def _judge(found: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    met = sum((one.met for one in found), Counter[str]())
    kills = sum(one.kills for one in found)
    in_transaction = sum(one.in_transaction for one in found)
    in_flight = sum(one.in_flight for one in found)
    with capsys.disabled():
        print(
            f"\n{len(found)} runs, {sum(one.tickets for one in found)} tickets, {kills} kills: "
            f"{in_transaction} in an open transaction, {in_flight} with a request in flight"
        )
        played, recorded = sum(one.played for one in found), sum(one.recorded for one in found)
        print(f"{played} calls, {recorded} recorded; the others came and went while ctid was down")
        print("requests:", ", ".join(f"{what} {number}" for what, number in met.most_common()))
    assert {one.seed: one.wrong for one in found if one.wrong} == {}
    assert in_transaction
    assert in_flight


def test_a_call_without_a_record_counts_if_it_began_in_sight(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"pbx":"lab","event":"pbx_attached","timestamp":"1970-01-01T00:00:10.000000Z"}\n'
        '{"pbx":"lab","event":"pbx_attached","timestamp":"1970-01-01T00:00:30.000000Z"}\n'
    )
    at = (5.0, 12.0, 13.0, 14.0, 19.5, 25.0, 31.0)
    begun = [(each, each + 0.1) for each in at]
    has = {"1795909597.1054", "1795909598.3000"}
    # 0 and 5 came while it was down, 4 just before it was killed
    assert list(overlooked(begun, has, log, [20.0])) == [2, 6]


@pytest.mark.timeout(400)
async def test_a_few_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Until both kinds of kills were hit; that takes one or two runs."""
    found: list[Run] = []
    for seed in count():
        here = tmp_path / str(seed)
        here.mkdir()
        found.append(await run(here, seed))
        if sum(r.in_transaction for r in found) and sum(r.in_flight for r in found):
            break
        if seed == 5:
            break
    _judge(found, capsys)


@pytest.mark.long
@pytest.mark.timeout(7200)
async def test_two_hundred_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _judge(await _series(tmp_path, range(100, 300)), capsys)
