"""The roster in force: its file is read again when it changes, and a bad one changes nothing."""

import asyncio
from pathlib import Path

import structlog

from ctid.config import Config, ConfigError, roster
from ctid.config.files import LARGEST
from ctid.domain.roster import Empty, Roster
from ctid.outbound.followed import POLL_SECONDS, Followed, FollowError
from ctid.outbound.loads import File, Loads

log = structlog.get_logger("ctid")


class RosterFile:
    """Follows the file that the configuration names; without one the roster is empty.

    `loads` is told how that goes. Until it is read, `before` is in force: after a reload, the
    roster that was.
    """

    def __init__(self, config: Config, loads: Loads, before: Roster | None = None) -> None:
        self._around = roster.surroundings(config)
        self._file = (
            None
            if config.roster.file is None
            else Followed(
                Path(config.roster.file),
                "[roster] file",
                LARGEST,
                too_large="4 MB: is it the right file?",
            )
        )
        self._roster = before if before is not None and self._file is not None else Empty()
        self._failed: str | None = None
        self._loads = loads
        if self._file is None:
            loads.absent(File.ROSTER)

    def current(self) -> Roster:
        """The last good one."""
        return self._roster

    def load(self) -> bool:
        """Read the file if it changed; whether it did. Blocks. Raises ConfigError, FollowError."""
        if self._file is None:
            return False
        data = self._file.changed()
        if data is None:
            return False
        self._roster = roster.parse(data, self._file.path, self._around)
        return True

    async def refresh(self) -> None:
        """Load beside the loop, and log what came of it: a failure once, not at each attempt."""
        try:
            read = await asyncio.to_thread(self.load)
        except (ConfigError, FollowError) as error:
            self._log_failure(str(error))
            return
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception("roster_fault")
            self._loads.failed(File.ROSTER, "a fault of ctid: see its log")
            return
        if read:
            self._loads.succeeded(File.ROSTER)
            self._failed = None
            log.info("roster_read", file=str(self._file and self._file.path))

    async def watch(self, seconds: float = POLL_SECONDS) -> None:
        """Follow the file until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.refresh()

    def _log_failure(self, why: str) -> None:
        self._loads.failed(File.ROSTER, why)
        if why != self._failed:
            self._failed = why
            for line in why.splitlines():
                log.error("roster_not_read", why=line)
