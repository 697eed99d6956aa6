"""The watch at work, where something of ours is wrong."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ctid.committer import Clocks
from ctid.config import Config, load
from ctid.domain.alerts import Kind, Route
from ctid.domain.policy import Decided
from ctid.domain.presence import Presence
from ctid.domain.records import Gap, GapCause
from ctid.domain.roster import Person, Role, Roster
from ctid.domain.watch import Watch
from ctid.watching import Watching
from tests.unit.domain.missed_calls import record
from tests.unit.domain.watching import BEGIN, MINUTE, Names
from tests.waiting import until


@dataclass
class Outlet:
    """Keeps what was decided."""

    told: list[Decided] = field(default_factory=list)

    def decided(self, decided: Decided) -> None:
        self.told.append(decided)

    def skew(self, pbx: str) -> float:  # noqa: ARG002
        return 0.0

    def all_in_sight(self) -> bool:
        return True

    async def written(self) -> None:
        """All of it."""


def configured(folder: Path, *pbxs: str) -> Config:
    tables = "".join(f'[[pbx]]\nname = "{name}"\nsecret_file = "s"\n' for name in pbxs)
    path = folder / "ctid.toml"
    path.write_text(f'{tables}[[line]]\nname = "network"\ndids = ["1"]\n')
    return load(path, read_secrets=False)


async def test_a_fault_is_logged_and_the_next_look_goes_on(tmp_path: Path) -> None:
    now, faults = [BEGIN], ["no roster", "no roster"]

    def roster() -> Roster:
        if faults:
            raise RuntimeError(faults.pop())
        return Names({Role.FIRST_LINE: [Person("li", "Li", (Route("im"),))]})

    async def ask(_lines: Collection[str]) -> Mapping[str, Presence]:
        raise RuntimeError("no answer of a PBX looks like that")

    def paged() -> bool:
        now[0] += 1.0
        return any(told.pages for told in outlet.told)

    watching = Watching(configured(tmp_path), roster, Clocks(lambda: now[0], lambda: now[0]))
    outlet = Outlet()
    waits = {"outcome": None, "reason": None, "open": True, "ended_at": None}
    with capture_logs() as logs:
        watching.records([record(BEGIN, **waits)], [])
        now[0] += 20 * MINUTE
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watching.run(outlet, ask))
            await until(paged)
            running.cancel()
    events = [entry["event"] for entry in logs]
    assert (events.count("watch_fault"), "presence_fault" in events) == (2, True)
    assert [event for event in events if event.startswith("alert")] == [
        "alert_fired",
        "alert_paged",
    ]
    (page,) = (page for told in outlet.told for page in told.pages)
    assert (page.alert.kind, page.recipient.name) == (Kind.UNANSWERED, "Li")


def test_what_was_decided_before_a_fault_is_told(tmp_path: Path) -> None:
    def people() -> Roster:
        return Names({Role.FIRST_LINE: [Person("li", "Li", (Route("im"),))]})

    def work(watch: Watch, now: float) -> None:
        watch.incident("network", "dark", "root", now)
        raise ZeroDivisionError

    watching = Watching(configured(tmp_path), people, Clocks(lambda: BEGIN, lambda: BEGIN))
    outlet = Outlet()
    watching.connect(outlet)
    watching.begin()
    with pytest.raises(ZeroDivisionError):
        watching.change(work)
    (page,) = (page for told in outlet.told for page in told.pages)
    assert page.alert.kind is Kind.INCIDENT


def test_what_is_still_heard_of_a_pbx_that_was_taken_out_is_no_news(tmp_path: Path) -> None:
    clocks = Clocks(lambda: BEGIN, lambda: BEGIN)
    watching = Watching(configured(tmp_path, "main", "other"), Names, clocks)
    watching.begin()
    watching.use(configured(tmp_path, "other"))
    waits = {"outcome": None, "reason": None, "open": True, "ended_at": None}
    watching.records([record(BEGIN, **waits)], [])
    watching.gap(Gap("main", BEGIN, None, GapCause.CONNECTION_LOST))
    assert (watching.watch.open_lines(), watching.watch.next_timer()) == (set(), None)
    watching.use(configured(tmp_path, "main", "other"))
    watching.records([record(BEGIN, **waits)], [])
    assert watching.watch.open_lines() == {"network"}
