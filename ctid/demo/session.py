"""One run of the demo: the simulated PBX, the daemon in front of it, and the show."""

import asyncio
import contextlib
import os
import secrets
import signal
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from ctid import config
from ctid.app import record
from ctid.demo.board import Board
from ctid.demo.pages import Voice
from ctid.demo.show import Show
from ctid.demo.tickets import Written, all_delivered, written
from ctid.domain.batch import Batch
from ctid.sim import recordings
from ctid.sim.program import Call, program, within
from ctid.sim.server import SimulatedPbx
from ctid.sim.template import Template
from ctid.store import db
from ctid.store.address import database_at
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader

# Every stream as often as it comes in a minute; the first ones as they are, for a good beginning.
DECK = (
    "queue_answered",
    "direct_answered",
    "group_nobody",
    "queue_two_calls",
    "overflow_answered",
    "direct_busy",
    "transfer_to_line",
    "queue_abandon",
    "hunt_second",
    "after_hours",
    "queue_rona",
    "direct_noanswer",
    "queue_local_rtp",
    "direct_hold",
    "group_mixed",
    "queue_timeout",
    "blind_refer_answered",
    "ivr_hangup",
    "queue_answered",
    "group_second",
    "direct_unregistered",
    "queue_two_calls",
    "direct_agent_hangs",
    "queue_joinempty",
    "overflow_answered",
    "queue_survey",
    "fallthrough_voicemail",
    "direct_answered",
    "hunt_second",
    "group_mixed",
    "queue_local_rtp",
    "direct_declined",
)
EVERY_SECONDS = 1.7
_ATTACH_SECONDS = 30.0
# After the last event: settling, the commit, and the tickets.
_END_SECONDS = 20.0
_LOOK_SECONDS = 0.05


class DemoError(Exception):
    """The demo could not go on; the text is the one line for the operator."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` of the PBX's time, None: until it is stopped. `speed`: how fast that runs."""

    seconds: float | None = 60.0
    speed: float = 1.0
    seed: int = 1

    def calls(self, templates: dict[str, Template]) -> Iterator[Call]:
        calls = program(DECK, every=EVERY_SECONDS, seed=self.seed)
        return calls if self.seconds is None else within(calls, templates, self.seconds)


async def run(folder: Path, plan: Plan, show: Show) -> tuple[Board, Written]:
    """Record what the simulated PBX plays into a database in `folder`, and show it.

    Ends with the play, or in order on SIGINT, SIGTERM and SIGHUP. Raises DemoError,
    StoreUnavailable, and OSError where the show could not be written.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    templates = {name: recordings.template(name) for name in dict.fromkeys(DECK)}
    secret = secrets.token_hex(16)
    async with SimulatedPbx(secret, templates, speed=plan.speed, seed=plan.seed) as pbx:
        path = configured(folder, pbx.port, secret)
        loaded = config.load(path)
        demo = _Demo(Board(loaded.lines()), Voice(loaded), show, stop)
        try:
            show.begin(demo.board, pbx.port, path)
            with db.only_one(database_at(loaded.store.url)):
                await demo.play(loaded, pbx, plan, templates)
        finally:
            show.end()
    (tickets,) = loaded.file
    return demo.board, written(Path(tickets.path))


def configured(folder: Path, port: int, secret: str) -> Path:
    """Write the demo's own configuration, to be read as any other. Raises DemoError."""
    text = (files("ctid.demo") / "demo.toml").read_text(encoding="utf-8")
    path, hidden = folder / "ctid.toml", folder / "ami.secret"
    try:
        text = f'timezone = "{zone_here()}"\n{text.replace("port = 5038", f"port = {port}")}'
        path.write_text(text, encoding="utf-8")
        hidden.touch(mode=0o600)
        hidden.write_text(secret + "\n", encoding="utf-8")
    except OSError as error:
        raise DemoError(f"cannot write to {folder}: {error.strerror}") from None
    return path


def zone_here() -> str:
    """The time zone of this machine by its name, in which the demo shows times; else `UTC`."""
    named = os.environ.get("TZ", "").removeprefix(":")
    name = named or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return name if name in zoneinfo.available_timezones() else "UTC"


class _Demo:
    """Holds the parts of one run together."""

    def __init__(self, board: Board, voice: Voice, show: Show, stop: asyncio.Event) -> None:
        self.board = board
        self._voice = voice
        self._show = show
        self._stop = stop
        self._attached = asyncio.Event()
        self._changed = asyncio.Event()
        self._failure: Exception | None = None

    async def play(
        self,
        loaded: config.Config,
        pbx: SimulatedPbx,
        plan: Plan,
        templates: dict[str, Template],
    ) -> None:
        async with asyncio.TaskGroup() as tasks:
            others = (
                tasks.create_task(
                    self._call(loaded.store.url, pbx, plan, templates), name="simulated calls"
                ),
                tasks.create_task(self._tick(), name="show's clock"),
            )
            try:
                if not await record(loaded, self._stop, feed=self._feed):
                    self._failure = DemoError("not everything could be written to its folder")
            except StoreUnavailable as error:
                self._failure = error  # raised below: a group of errors is no line for a person
            for task in others:
                task.cancel()
        if self._failure is not None:
            raise self._failure

    async def _call(
        self, url: str, pbx: SimulatedPbx, plan: Plan, templates: dict[str, Template]
    ) -> None:
        try:
            async with asyncio.timeout(_ATTACH_SECONDS):
                await self._attached.wait()
        except TimeoutError:
            self._failure = DemoError("the daemon did not attach to the simulated PBX")
            self._stop.set()
            return
        expected = 0

        def counted() -> Iterator[Call]:
            nonlocal expected
            for call in plan.calls(templates):
                expected += templates[call.name].calls
                yield call

        await pbx.play(counted())
        # what the store says of its own failure is said when recording ends
        with contextlib.suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(_END_SECONDS):
                while self.board.calls < expected:
                    self._changed.clear()
                    await self._changed.wait()
                async with await Reader.open(url) as reader:
                    while not await all_delivered(reader):  # noqa: ASYNC110 - it tells nobody
                        await asyncio.sleep(_LOOK_SECONDS)
        self._stop.set()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.sleep(0.5)
            self._shown(lambda: self._show.tick(loop.time() - began))

    def _feed(self, batch: Batch) -> None:
        if batch.seen:
            self._attached.set()
        told = self.board.take(batch.records)
        if batch.records:
            self._changed.set()
            self._shown(lambda: self._show.tell(told))
        for said in map(self._voice.say, batch.pages):
            self.board.hear(said)
            self._shown(partial(self._show.say, said))

    def _shown(self, draw: Callable[[], None]) -> None:
        """Draw; where nobody can look any more, end."""
        if self._failure is None:
            try:
                draw()
            except OSError as error:
                self._failure = error
                self._stop.set()
