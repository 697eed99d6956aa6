"""The ctid that is killed."""

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Final

_PATIENCE_SECONDS: Final = 90.0


class Victim:
    """`ctid run` as a process."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.config = config
        self.database = folder / "ctid.sqlite3"
        self.log = folder / "ctid.log"
        self.kills: list[float] = []
        self._log_before = 0
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
        environ = {name: v for name, v in os.environ.items() if name.lower() not in proxies}
        with self.log.open("ab") as log:
            self._log_before = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ctid", "run", "--config", str(self.config)),
                stderr=log,
                env=environ,
            )

    @property
    def runs(self) -> bool:
        assert self.process is not None
        return self.process.returncode is None

    def last_words(self) -> str:
        return self.log.read_text().rstrip().rpartition("\n")[2][:500]

    async def attached(self) -> None:
        """Return when it sees the PBX, since it was started last."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while b"pbx_attached" not in self._said():  # noqa: ASYNC110 - its log
                await asyncio.sleep(0.05)

    def _said(self) -> bytes:
        return self.log.read_bytes()[self._log_before :]

    async def ended(self) -> None:
        assert self.process is not None
        await self.process.wait()

    async def stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        await self.ended()

    def holds_the_lock(self) -> bool:
        """Whether it is in a transaction that writes: SQLite's WAL_WRITE_LOCK on the -shm file."""
        try:
            inode = self.database.with_name(f"{self.database.name}-shm").stat().st_ino
        except FileNotFoundError:
            return False
        mine = re.compile(rf"POSIX +ADVISORY +WRITE {self.pid} [0-9a-f:]+:{inode} 120 120\b")
        return bool(mine.search(Path("/proc/locks").read_text()))

    async def come_to_rest(self) -> None:
        """Return when no call is open and no draft waits; raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._waits():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)

    def _waits(self) -> bool:
        try:
            return self._has_open_ends()
        except sqlite3.OperationalError:
            return True  # it is being opened

    def _has_open_ends(self) -> bool:
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            (open_calls,) = db.execute("SELECT count(*) FROM record WHERE open").fetchone()
            (waiting,) = db.execute(
                "SELECT count(*) FROM outbox WHERE state = 'pending'"
            ).fetchone()
            (unseen,) = db.execute("SELECT count(*) FROM gap WHERE ended_at IS NULL").fetchone()
        return bool(open_calls or waiting or unseen)
