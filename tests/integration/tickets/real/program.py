"""A server of others as a child process: started, killed, and started again on the same port."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

_STARTS_WITHIN_SECONDS = 90.0
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tell(request: pytest.FixtureRequest, line: str) -> None:
    """Print a line past the capturing, so that it stands in every run's output."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\n{line}")


class Program:
    """`command` listens on `port` of 127.0.0.1 and writes to `log`."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], port: int, log: Path
    ) -> None:
        self._command = command
        self._environ = {**os.environ, **environ}
        self._port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and return when it takes connections. Raises RuntimeError with its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + _STARTS_WITHIN_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.kill()
                raise RuntimeError(f"{self._command[0]} did not start:\n{self._log.read_text()}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        """SIGKILL for it and its children; gone when this returns."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def cpu_seconds(self) -> float:
        """What it has computed: it grows while a request is being worked on."""
        assert self._process is not None
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS


async def get(url: str, headers: Mapping[str, str]) -> str:
    """A page as a browser gets it."""
    async with ClientSession() as session, session.get(url, headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.text()


async def answers(url: str) -> bool:
    """Whether a whole answer comes, whatever it says."""
    try:
        async with asyncio.timeout(30), ClientSession() as session, session.get(url) as response:
            await response.read()
    except ClientError:
        return False
    return True
