"""Stories: calls, time and people go in, and what arrives at receiving servers is what they tell.

A story is a script. All of ctid between the PBX's events and the bodies of the messages is real:
configuration, roster, tracker, store, watch, escalation, outbox and channels. Only the clock is the
story's, and between two of its steps everything that follows has happened.
"""

import asyncio
import re
import sqlite3
import tomllib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from structlog.testing import capture_logs

from ctid import config
from ctid.committer import Clocks
from ctid.domain import events as ev
from ctid.domain.alerts import Kind
from ctid.domain.presence import Seat
from ctid.domain.records import GapCause
from tests.integration.stories import texts
from tests.integration.stories.daemon import Daemon
from tests.integration.stories.pbx import NAME, Pbx
from tests.integration.stories.receivers import (
    SECRET,
    TOKEN,
    Arrived,
    DingTalk,
    Feishu,
    Receiver,
    Webhook,
    WeCom,
)

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_RINGS: Final = "101"
_KIND_OF_RECEIVER: Final = {
    "dingtalk": DingTalk,
    "wecom": WeCom,
    "feishu": Feishu,
    "hook": Webhook,
    "ops": Webhook,
}


def seconds(text: str) -> float:
    """`1h30m`, `15m`, `-1h`: the seconds."""
    sign = -1.0 if text.startswith("-") else 1.0
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


class Story:
    """`restart_before` is a step before which the daemon is killed and started, the first is 1."""

    def __init__(
        self,
        folder: Path,
        store: str,
        *,
        lines: str = texts.LINES,
        alert: str = "",
        more: str = "",
        roster: str = texts.ROSTER,
        zone: str = "Asia/Shanghai",
        begin: str = "2026-06-01 09:00",  # a Monday
        restart_before: int | None = None,
    ) -> None:
        self._folder = folder
        self._store = store
        self._zone = ZoneInfo(zone)
        self._text = texts.CONFIGURATION + lines + more
        self._alert = alert
        self._true = self._begin = self._at(begin)
        self._wall_ahead = self._pbx_ahead = 0.0
        self._steps = 0
        self._restart_before = restart_before
        self._clocks = Clocks(lambda: self._true + self._wall_ahead, lambda: self._true)
        self.pbx = Pbx(lambda: self._true + self._pbx_ahead)
        self.seats: dict[str, tuple[Seat, ...]] = {}
        self._sees = True
        self._arrived: list[Arrived] = []
        self.receivers: dict[str, Receiver] = {}
        self._daemon: Daemon | None = None
        self._runner = asyncio.Runner()
        self._logs = capture_logs()
        self._logged: Sequence[Any] = ()
        for name, secret in (("token", TOKEN), ("secret", SECRET)):
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        (folder / "roster.toml").write_text(roster)

    def __enter__(self) -> Self:
        self._logged = self._logs.__enter__()
        self._do(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self._close())
        finally:
            self._runner.close()
            self._logs.__exit__(kind, error, traceback)
        faults = [entry for entry in self._logged if "exception" in entry or "exc_info" in entry]
        assert not faults

    async def _open(self) -> None:
        for name, kind in _KIND_OF_RECEIVER.items():
            self.receivers[name] = kind(name, self._clocks.wall, self._arrived.append)
            await self.receivers[name].open()
        await self._start()

    async def _close(self) -> None:
        if self._daemon is not None:
            await self._daemon.kill()
        for receiver in self.receivers.values():
            await receiver.close()

    # -- calls ------------------------------------------------------------------------------------

    def call(self, name: str, line: str = "network", number: str | None = "") -> None:
        """Somebody calls the line, and phones ring."""
        self._step()
        number = f"1380000{ord(name[0]):04}" if number == "" else number
        self.pbx.call(name, self._did(line), number)
        self.pbx.ring(name, _RINGS)
        self._do(self._told())

    def miss(self, name: str) -> None:
        """Nobody picks up, and the PBX ends the call."""
        self._hear(lambda: self.pbx.give_up(name))

    def leave(self, name: str) -> None:
        """The caller hangs up."""
        self._hear(lambda: self.pbx.leave(name))

    def answer(self, name: str, extension: str = _RINGS) -> None:
        """Somebody picks up."""
        self._hear(lambda: self.pbx.answer(name, extension))

    def overflow(self, name: str, line: str) -> None:
        """Nobody picks up, and the phones of another line ring."""
        self._step()
        self.pbx.overflow(name, self._did(line))
        self.pbx.ring(name, "102")
        self._do(self._told())

    def missed_call(self, name: str, line: str = "network", number: str | None = "") -> None:
        """Somebody calls and is missed half a minute later."""
        self.call(name, line, number)
        self.advance("30s")
        self.miss(name)

    def answered_call(self, name: str, line: str = "network", number: str | None = "") -> None:
        """Somebody calls, is answered after ten seconds and leaves after thirty."""
        self.call(name, line, number)
        self.advance("10s")
        self.answer(name)
        self.advance("20s")
        self.leave(name)

    def call_back(self, number: str, talk: str) -> None:
        """An agent calls somebody, who answers."""
        self.begin_call_back(number)
        self.advance(talk)
        self.leave("out")

    def begin_call_back(self, number: str) -> None:
        """An agent calls somebody, who answers; they talk until the agent, `out`, leaves."""
        self._step()
        self.pbx.call_out("out", _RINGS, number)
        self._do(self._told())
        self.pbx.answer("out", number)
        self._do(self._told())

    def uniqueid(self, name: str) -> str:
        return self.pbx.uniqueid(name)

    # -- time -------------------------------------------------------------------------------------

    def advance(self, duration: str) -> None:
        """Let time pass, from one due time to the next."""
        self._step()
        self._do(self._advance(self._true + seconds(duration)))

    def until(self, when: str) -> None:
        """Let time pass until then: `2026-06-02 08:00`, as the clock on the wall shows it."""
        self._step()
        self._do(self._advance(self._at(when) - self._wall_ahead))

    def set_clock(self, by: str) -> None:
        """Somebody sets the clock of ctid's machine."""
        self._step()
        self._wall_ahead += seconds(by)
        self._do(self._settle())

    def set_pbx_clock(self, by: str) -> None:
        """The clock of the PBX is ahead by so much."""
        self._step()
        self._pbx_ahead += seconds(by)
        self._do(self._settle())

    # -- the daemon -------------------------------------------------------------------------------

    def kill(self) -> None:
        """The daemon dies without a farewell."""
        self._do(self._kill())

    def start(self) -> None:
        """It is started again."""
        self._do(self._start())

    def lose_sight(self, cause: GapCause = GapCause.CONNECTION_LOST) -> None:
        """The connection to the PBX ends."""
        self._step()
        self._sees = False
        self._do(self._deliver([ev.Detached(self._true + self._pbx_ahead, cause)]))

    def see(self) -> None:
        """The connection is there again."""
        self._step()
        self._sees = True
        self._do(self._deliver(self._attached()))

    def reload(self, old: str, new: str) -> None:
        """Somebody changes the configuration and has it read again."""
        self._step()
        assert old in self._text
        self._text = self._text.replace(old, new)
        self._do(self.daemon.use(self._load()))

    def roster(self, text: str) -> None:
        """Somebody writes another roster."""
        self._step()
        (self._folder / "roster.toml").write_text(text)
        self._do(self._read_roster())

    def lock_store(self) -> sqlite3.Connection:
        """Another program keeps ctid from writing, until the connection is closed."""
        other = sqlite3.connect(self._store.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        return other

    def recover(self) -> None:
        """The store can be written again, and ctid finds that out."""
        self._do(self._recover())

    # -- receivers --------------------------------------------------------------------------------

    def away(self, *names: str) -> None:
        """Nobody listens at these channels."""
        for name in names:
            self._do(self.receivers[name].close())

    def back(self, *names: str) -> None:
        """They listen again."""
        for name in names:
            self._do(self.receivers[name].open())

    # -- people -----------------------------------------------------------------------------------

    def alert(self, kind: Kind | None = None, line: str | None = None) -> int:
        """The number of the only open alert, of this kind or about this line."""
        (found,) = [
            each.alert.number
            for each in self.daemon.desk.open_alerts()
            if kind in (None, each.alert.kind) and line in (None, each.alert.line)
        ]
        return found

    def states(self) -> list[str]:
        """Of the open alerts: kind and state, and whether it is silenced."""
        return [
            f"{each.alert.kind} {type(each.alert.state).__name__.lower()}"
            + (" silenced" if each.silenced else "")
            for each in self.daemon.desk.open_alerts()
        ]

    def ack(self, by: str, number: int | None = None, why: str | None = None) -> None:
        number = self.alert() if number is None else number
        self._by_people(lambda: self.daemon.desk.acknowledge(number, by, why))

    def resolve(self, by: str, why: str, number: int | None = None) -> None:
        number = self.alert() if number is None else number
        self._by_people(lambda: self.daemon.desk.resolve(number, by, why))

    def silence(
        self,
        owner: str,
        why: str,
        duration: str,
        *,
        after: str = "0s",
        lines: Iterable[str] = (),
        kinds: Iterable[Kind] = (),
    ) -> int:
        """Page nobody for so long, from `after` on; gives its number."""
        begins_at = self._clocks.wall() + seconds(after)
        ends_at = begins_at + seconds(duration)
        given = self._by_people(
            lambda: self.daemon.desk.silence(lines, kinds, begins_at, ends_at, owner, why)
        )
        return int(given.number)

    def unsilence(self, number: int, by: str) -> None:
        self._by_people(lambda: self.daemon.desk.unsilence(number, by))

    def incident(self, title: str, by: str, line: str | None = None) -> None:
        self._by_people(lambda: self.daemon.desk.incident(line, title, by))

    def test(self, line: str, by: str) -> None:
        self._by_people(lambda: self.daemon.desk.test(line, by))

    def forget(self, number: str) -> None:
        """`ctid forget`."""
        self._by_people(lambda: self.daemon.by_hand.forget(number))

    def missed_close(self, uniqueid: str, by: str, why: str) -> None:
        """`ctid missed close`."""
        self._by_people(lambda: self.daemon.by_hand.close_return(None, uniqueid, by, why))

    def tickets(self) -> list[str]:
        """Of every ticket, as which stage of its call it was decided last."""
        found: list[str] = self._do(self.daemon.ticket_stages())
        return found

    # -- what arrived -----------------------------------------------------------------------------

    def expect(self, *told: str) -> list[Arrived]:
        """Exactly these messages arrived since the last look: `09:15 dingtalk @Li: title`."""
        arrived = self._take()
        found, wanted = sorted(map(self._line, arrived)), sorted(told)
        if found != wanted:
            told_lines = "\n".join(f"  {line}" for line in found) or "  nothing"
            raise AssertionError(f"what arrived:\n{told_lines}\nwhat was expected:\n  {wanted}")
        return arrived

    def take(self) -> list[str]:
        """What arrived since the last look, in its order."""
        return [self._line(arrived) for arrived in self._take()]

    def messages(self) -> list[Arrived]:
        """The same, whole."""
        return self._take()

    def expect_silence(self) -> None:
        """Nothing arrived."""
        self.expect()

    def _take(self) -> list[Arrived]:
        arrived, self._arrived[:] = list(self._arrived), []
        return arrived

    @property
    def daemon(self) -> Daemon:
        assert self._daemon is not None, "the daemon is down"
        return self._daemon

    def _line(self, arrived: Arrived) -> str:
        to = texts.NAMES.get(arrived.to or "", arrived.to)
        whom = f" @{to}" if to else ""
        return f"{self._clock(arrived.at)} {arrived.channel}{whom}: {arrived.title}"

    def _clock(self, at: float) -> str:
        local = datetime.fromtimestamp(at, self._zone)
        day = (
            "" if local.date() == datetime.fromtimestamp(self._begin, self._zone).date() else "%a "
        )
        return local.strftime(f"{day}%H:%M" + (":%S" if local.second else ""))

    # -- inside -----------------------------------------------------------------------------------

    def _step(self) -> None:
        """A step begins; before one of them ctid is killed and started."""
        self._steps += 1
        if self._steps == self._restart_before:
            self._do(self._kill())
            self._do(self._start())

    def _hear(self, act: Callable[[], None]) -> None:
        """Something happens at the PBX, and ctid hears of it."""
        self._step()
        act()
        self._do(self._told())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def _by_people(self, work: Callable[[], Awaitable[Any]]) -> Any:
        self._step()

        async def do() -> Any:
            given = await work()
            await self._settle()
            return given

        return self._do(do())

    def _at(self, when: str) -> float:
        return datetime.fromisoformat(when).replace(tzinfo=self._zone).timestamp()

    def _did(self, line: str) -> str:
        tables = tomllib.loads((self._folder / "ctid.toml").read_text())["line"]
        found: str = next(table["dids"][0] for table in tables if table["name"] == line)
        return found

    def _attached(self) -> list[ev.Event]:
        now = self._true + self._pbx_ahead
        self.pbx.told.clear()  # what nobody saw is told by what is up
        return [ev.Attached(now, restarted=False), self.pbx.snapshot()]

    def _load(self) -> config.Config:
        path = self._folder / "ctid.toml"
        values = {name: receiver.url for name, receiver in self.receivers.items()}
        values |= {"store": self._store, "zone": self._zone.key, "alert": self._alert}
        text = self._text
        for name, value in values.items():
            text = text.replace(f"<{name}>", value)
        path.write_text(text)
        return config.load(path, clock=self._clocks.wall)

    async def _start(self) -> None:
        self._daemon = Daemon(self._load(), self._clocks, self.seats)
        await self._daemon.start()
        if self._sees:
            self._daemon.pipeline.deliver(NAME, self._attached())
        await self._daemon.begin()
        await self._settle()

    async def _kill(self) -> None:
        if self._daemon is not None:
            await self._daemon.kill()
        self._daemon = None

    async def _told(self) -> None:
        told, self.pbx.told[:] = list(self.pbx.told), []
        if self._sees:
            await self._deliver(told)

    async def _deliver(self, told: list[ev.Event]) -> None:
        if self._daemon is not None:
            await self._daemon.take(NAME, told)

    async def _settle(self) -> None:
        if self._daemon is not None:
            await self._daemon.settle()

    async def _advance(self, until: float) -> None:
        while self._true < until:
            due = None if self._daemon is None else await self._daemon.next_due()
            # what a rate limit holds back has no time of its own
            ahead = until - self._true if due is None else max(1.0, due - self._clocks.wall())
            self._true = min(until, self._true + ahead)
            await self._settle()
        if self._daemon is not None:
            await self._daemon.observe()

    async def _read_roster(self) -> None:
        if self._daemon is not None:
            await self._daemon.paging.refresh_roster()

    async def _recover(self) -> None:
        committer = self.daemon.pipeline.committer
        while committer.health.store_error is not None:
            await self._settle()
        await self._settle()
