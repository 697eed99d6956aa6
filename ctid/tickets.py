"""Tickets, put together: the policy that decides them, and a worker for each system they go to."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from ctid.config import Config, ConfigError
from ctid.config.backends import Backend as BackendTable
from ctid.domain import policy
from ctid.domain.batch import Batch
from ctid.domain.drafts import Contact, Draft, LineName
from ctid.domain.duty import after_on_duty
from ctid.domain.numbers import Numbering, normalizer
from ctid.domain.policy import NOTHING, Decided, LineRules, Policy, Wanted
from ctid.domain.records import Record
from ctid.domain.returns import Returns, ToReturn
from ctid.outbound.contacts import ContactDirectory
from ctid.outbound.deliveries import Deliveries
from ctid.outbound.loads import File, Loads
from ctid.outbound.port import Document
from ctid.outbound.rendering import Templates
from ctid.outbound.tickets import open_backend
from ctid.outbound.worker import Worker
from ctid.outbound.workers import Workers
from ctid.store import tickets
from ctid.store.errors import StoreUnavailable
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

Lookup = Callable[[str], Contact | None]


def rules(config: Config, contact: Lookup) -> policy.Rules:
    """What the configuration says about tickets."""
    exclusion = config.directory("").exclusion  # the same for all PBXs
    return policy.Rules(
        site=config.site,
        destinations={table.name: frozenset(table.lines) for table in config.backends()},
        lines={
            line.name: LineRules(
                LineName(line.name, line.title or line.name, line.specialty or line.name),
                frozenset(line.tickets),
            )
            for line in config.line
        },
        at_answer=config.tickets.create == "answer",
        fold_seconds=config.tickets.fold_minutes * 60.0,
        link=config.tickets.link,
        contact=contact,
        excluded=lambda number: exclusion(number) is not None,
    )


def returns(config: Config, normalize: Callable[[str], str | None]) -> Returns:
    """Who has to be called back, by the configuration; nobody yet."""
    lines = {line.name: line for line in config.lines()}
    seconds = config.missed.due_minutes * 60.0

    def due(name: str, at: float) -> float:
        line = lines.get(name)
        return after_on_duty(line.duty, at, seconds, line.zone) if line else at + seconds

    return Returns(normalize, due, connected_seconds=config.missed.connected_seconds)


def templates_of(config: Config) -> Templates:
    """The templates that the configuration names, ctid's own beside them."""
    folder, language = config.tickets.templates, config.tickets.language
    return Templates(
        None if folder is None else Path(folder),
        zone=ZoneInfo(config.timezone),
        language=language,
        languages={line.name: line.language or language for line in config.line},
        zones={line: ZoneInfo(zone) for line, zone in config.zones().items()},
    )


def see_templates(config: Config) -> None:
    """Raise ConfigError with all that is wrong in the operator's templates."""
    if config.tickets.templates is None:
        return  # there are none, and ctid's own take a while to be read
    if problems := templates_of(config).check():
        raise ConfigError(problems)


class Tickets:
    """Decides with every change of a call, and has what was committed delivered.

    Every worker is a task of `tasks`; so is who follows the contact file, and tells `loads`.
    """

    def __init__(
        self, config: Config, store: Store, tasks: asyncio.TaskGroup, loads: Loads
    ) -> None:
        self._config = config
        self._store = store
        self._tasks = tasks
        self._loads = loads
        self._templates = templates_of(config)
        self._contacts: ContactDirectory | None = None
        self._following: asyncio.Task[None] | None = None
        self._workers = Workers[BackendTable, Worker](tasks, "tickets to", self._worker)
        normalize = normalizer(config.numbering())
        self.policy = Policy(self._rules(config), returns(config, normalize), normalize)

    async def begin(self) -> None:
        """Take up what the last daemon committed, and who is known. Raises StoreUnavailable."""
        async with Reader(self._store.database) as reader:
            entries = await tickets.returns(reader, with_anonymous=False)
            keys = self.policy.keys_to_return(entries)
            names = [table.name for table in self._config.backends()]
            drafts = await tickets.drafts_to_return(reader, names, keys)
            self.policy.restore(entries, drafts, await tickets.calls_under_way(reader))
        await self._tell_stranded()
        self._know_contacts(self._config)

    def decide(self, records: Sequence[Record], now: float) -> Decided:
        """What follows from records on their way to the store."""
        entries: list[ToReturn] = []
        wanted: list[Wanted] = []
        for call, visits in groupby(records, lambda record: (record.pbx, record.uniqueid)):
            try:
                decided = self.policy.receive(list(visits), now)
            except Exception:
                # a fault of ours must not stop the recording of calls
                log.exception("tickets_fault", pbx=call[0], call=call[1])
            else:
                entries += decided.returns
                wanted += decided.wanted
        return Decided(tuple(entries), tuple(wanted))

    def handle_timer(self, pbx: str, pbx_now: float, now: float) -> Decided:
        """What follows from calls of a PBX that go on; its clock and ours, Unix seconds."""
        try:
            return self.policy.handle_timer(pbx, pbx_now, now)
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception("tickets_fault", pbx=pbx)
            return NOTHING

    def feed(self, batch: Batch) -> None:
        """A batch is on disk: what it wants is due."""
        for name in {wanted.destination for wanted in batch.wanted}:
            self.wake(name)

    def wake(self, name: str) -> None:
        """Something may be due for this destination."""
        if (worker := self._workers.get(name)) is not None:
            worker.wake()

    def hurry(self, name: str | None = None) -> None:
        """Somebody mended what was wrong with this destination; None: with any."""
        for destination, worker in self._workers:
            if name in (None, destination):
                worker.hurry()

    def open(self) -> None:
        """Begin to deliver to every backend to which nobody delivers yet."""
        self._workers.open(self._config.backends())

    def _worker(self, table: BackendTable) -> Worker:
        return Worker(
            table,
            open_backend(table, self._config.site, self._config.timezone, self._config.zones()),
            self._store,
            self._render,
            clock=time.time,
            jitter=random.random,
        )

    async def use(self, config: Config) -> None:
        """Go on by another configuration; a destination that changed is closed and opened anew."""
        old, self._config = self._config, config
        self._templates = templates_of(config)
        if _directory_of(old) != _directory_of(config):
            self._know_contacts(config)
        normalize = normalizer(config.numbering())
        self.policy.use(self._rules(config), returns(config, normalize), normalize)
        moved = (old.timezone, old.zones()) != (config.timezone, config.zones())
        await self._workers.end(config.backends(), all_of_them=moved)
        self.hurry()
        self.open()
        with contextlib.suppress(StoreUnavailable):
            await self._tell_stranded()

    async def _tell_stranded(self) -> None:
        """Drafts of a backend that was renamed or taken out would wait for ever, unnoticed."""
        async with Reader(self._store.database) as reader:
            backlogs = await tickets.backlogs(reader)
        known = {table.name for table in self._config.backends()}
        for name, backlog in backlogs.items():
            waiting = backlog.by_state.get(OutboxState.PENDING, 0)
            if waiting and name not in known:
                log.warning("tickets_stranded", backend=name, drafts=waiting)

    def _know_contacts(self, config: Config) -> None:
        """Those known so far are used until the file, which may be long, has been read."""
        if self._following is not None:
            self._following.cancel()
            self._following = None
        file, numbering, lines = _directory_of(config)
        if file is None:
            self._contacts = None
            self._loads.absent(File.CONTACTS)
            return
        directory = ContactDirectory(Path(file), numbering, lines)
        self._following = self._tasks.create_task(self._follow(directory), name="contacts")

    async def _follow(self, directory: ContactDirectory) -> None:
        await directory.refresh(self._loads)
        self._contacts = directory
        await directory.watch(self._loads)

    def _rules(self, config: Config) -> policy.Rules:
        return rules(config, self._who)

    def _who(self, e164: str) -> Contact | None:
        return None if self._contacts is None else self._contacts.lookup(e164)

    def _render(self, draft: Draft, revision: int, data: bytes, *, new: bool) -> Document:
        return self._templates.render(draft, revision, data, new=new)

    async def close(self) -> None:
        """Deliver no more; returns when what was under way has ended."""
        if self._following is not None:
            self._following.cancel()
        await self._workers.close()

    def counts(self) -> dict[str, Deliveries]:
        """How deliveries went, by destination."""
        return {name: worker.counts.copy() for name, worker in self._workers}


def _directory_of(config: Config) -> tuple[str | None, Numbering, tuple[str, ...]]:
    """What the contact directory depends on."""
    return config.contacts.file, config.numbering(), tuple(line.name for line in config.line)
