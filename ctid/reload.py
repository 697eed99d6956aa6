"""A new configuration for the running daemon: all of it, or, where it is bad, nothing."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import structlog

from ctid import last_run
from ctid.config import Config, ConfigError
from ctid.last_run import LastRun
from ctid.outbound.loads import File, Loads
from ctid.outbound.tally import Tally
from ctid.overview import Overview
from ctid.pbxs import Pbxs, reconnects
from ctid.pipeline import Pipeline
from ctid.store.errors import StoreUnavailable
from ctid.watchdog import Watchdog
from ctid.web.listener import ServeError

log = structlog.get_logger("ctid")

_T = TypeVar("_T")

# How long the daemon's end waits for a reload under way: its files may be on a disk that hangs.
_CLOSE_SECONDS = 3.0
# What a reload does not change; where it differs, the operator is told to restart.
_FIXED = ("site", "store", "metrics", "api", "heartbeat", "control", "log")


class Uses(Protocol):
    """A part that goes on by another configuration."""

    async def use(self, config: Config) -> None: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What a reload reads: `load` the file, raising ConfigError; `renew` what the servers need.

    `loads` is told how that went.
    """

    load: Callable[[], Config]
    renew: Callable[[], None]
    loads: Loads


class Reloader:
    """One reload at a time."""

    def __init__(
        self,
        sources: Sources,
        pipeline: Pipeline,
        pbxs: Pbxs,
        overview: Overview,
        tally: Tally,
        watchdog: Watchdog,
        others: Sequence[Uses],
    ) -> None:
        self._others = others
        self._sources = sources
        self._pipeline = pipeline
        self._pbxs = pbxs
        self._overview = overview
        self._tally = tally
        self._watchdog = watchdog
        self._lock = asyncio.Lock()
        self._closed = False

    async def reload(self) -> list[str]:
        """The mistakes, one a line; with any of them the old configuration stays in force."""
        async with self._lock:
            if self._closed:
                return ["ctid is stopping"]
            self._watchdog.reloading()
            try:
                mistakes = await self._reload()
            finally:
                self._watchdog.reloaded()
        for mistake in mistakes:
            log.error("not_reloaded", why=mistake)
        return mistakes

    async def close(self) -> None:
        """Reload no more; returns when nothing of it is under way, or reading takes too long."""
        self._closed = True
        try:
            async with asyncio.timeout(_CLOSE_SECONDS), self._lock:
                pass
        except TimeoutError:
            log.warning("reload_given_up", why="ctid is stopping, and it does not end")

    async def _reload(self) -> list[str]:
        old = self._overview.config
        try:
            config = await _aside(self._sources.load)
            added = [t.name for t in config.pbx if t.name not in self._pbxs.settings]
            runs = await last_run.read(old.store.url, added) if added else {}
            self._sources.renew()
        except (ConfigError, ServeError, StoreUnavailable) as error:
            self._sources.loads.failed(File.CONFIG, str(error))
            return str(error).splitlines()
        if self._closed:
            return ["ctid is stopping"]
        for warning in config.warnings:
            log.warning("configuration", why=warning)
        fixed = [name for name in _FIXED if _plain(old, name) != _plain(config, name)]
        webhook = old.alert.webhook
        if webhook != config.alert.webhook:
            fixed.append("alert.webhook")
        if fixed:
            log.warning("restart_needed", tables=fixed)
        kept = {name: getattr(old, name) for name in _FIXED}
        kept["alert"] = config.alert.model_copy(update={"webhook": webhook})
        await self._apply(config.model_copy(update=kept), runs)
        self._sources.loads.succeeded(File.CONFIG)
        log.info("reloaded", pbx=[table.name for table in config.pbx], lines=len(config.line))
        return []

    async def _apply(self, config: Config, runs: dict[str, LastRun]) -> None:
        self._tally.expect(*expected(config))
        self._overview.config = config
        old = dict(self._pbxs.settings)
        names = [table.name for table in config.pbx]
        gone = [name for name in old if name not in names]
        for other in self._others:
            await other.use(config)
        for table in config.pbx:
            self._pipeline.watch(table.name, config.directory(table.name))
        last_run.take_up(self._pipeline, runs)
        await self._pbxs.close(gone)
        for name in gone:
            self._pipeline.drop(name)
        for table in config.pbx:
            if table.name not in old:
                self._pbxs.open(table)
            elif reconnects(old[table.name], table):
                await self._pbxs.exchange(table)


async def _aside(work: Callable[[], _T]) -> _T:
    """What `work` gives, from a thread for which the end of the process does not wait."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def give(result: _T | None, error: BaseException | None) -> None:
        if done.done():
            return  # given up meanwhile
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("_T", result))

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it goes to who waits
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(give, result, failure)

    threading.Thread(target=run, name="reload", daemon=True).start()
    return await done


def _plain(config: Config, name: str) -> dict[str, Any]:
    """The table, or value, as it can be compared; a secret by what it is."""
    values = config.model_dump(include={name})
    beat = config.heartbeat
    known = {"metrics": [config.metrics.token], "heartbeat": [beat.target, beat.failure_target]}
    secrets = [secret.reveal() if secret else None for secret in known.get(name, [])]
    return {**values, "secrets": secrets}


def expected(config: Config) -> tuple[list[str], list[str], frozenset[str]]:
    """The PBXs, lines and agents whose series exist from the beginning."""
    return (
        [table.name for table in config.pbx],
        [line.name for line in config.line],
        frozenset(config.agents.values()),
    )
