"""`ctid run` as a process beside a small PBX and a systemd that only listens."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, UnixConnector

from ctid.sim.template import Template
from tests.benchmarks.streams import recorded
from tests.integration.ami.fake_server import SECRET, FakeAmi, Watch
from tests.truth import CAPTURES

DEADLINE = 20.0
LINES = (CAPTURES / "lab.toml").read_text().partition("\n[agents]")[2]


class Systemd:
    """The notify socket; `states` are the messages as they came, `NAME=value` each."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self.states: list[str] = []
        self._watch = watch
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path.unlink(missing_ok=True)  # of the daemon before this one
        self._socket.bind(str(path))
        self._socket.settimeout(0)
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    def _receive(self) -> None:
        self.states += self._socket.recv(65536).decode().split("\n")
        self._watch.changed()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


class Daemon:
    """One that runs; `lines` are its log."""

    def __init__(self, folder: Path, watch: Watch, systemd: Systemd) -> None:
        self.folder = folder
        self.config = folder / "ctid.toml"
        self.watch = watch
        self.systemd = systemd
        self.lines: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, *, watchdog_seconds: float | None = None) -> None:
        environ = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify")}
        if watchdog_seconds is not None:
            environ["WATCHDOG_USEC"] = str(round(watchdog_seconds * 1e6))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ctid", "run", "--config", str(self.config)),
            stderr=asyncio.subprocess.PIPE,
            env=environ,
        )

    async def read(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode()
            self.lines.append(json.loads(text) if text.startswith("{") else {"event": text})
            self.watch.changed()

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    async def until(self, event: str, times: int = 1) -> dict[str, Any]:
        """The line of the log, once it is there so often."""
        await self.watch.until(lambda: len(self.logged(event)) >= times, DEADLINE)
        return self.logged(event)[times - 1]

    async def told(self, state: str, times: int = 1) -> None:
        """Wait until systemd was told so."""
        await self.watch.until(lambda: self.systemd.states.count(state) >= times, DEADLINE)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def stop(self) -> int:
        assert self.process is not None
        self.signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), DEADLINE)

    async def url(self) -> str:
        return f"http://127.0.0.1:{(await self.until('metrics_listening'))['port']}"

    async def get(self, path: str) -> tuple[int, str]:
        async with ClientSession() as session, session.get(await self.url() + path) as response:
            return response.status, await response.text()

    async def ask(self, method: str, path: str) -> tuple[int, Any]:
        async with (
            ClientSession(connector=UnixConnector(str(self.folder / "control.sock"))) as session,
            session.request(method, f"http://ctid{path}") as response,
        ):
            return response.status, await response.json()


def text(pbx: FakeAmi, *, before: str = "", more: str = "", lines: str = LINES) -> str:
    """A configuration: the lines of the recordings, and one PBX."""
    return (
        f'{before}\n[store]\nurl = "ctid.sqlite3"\n[metrics]\nlisten = "127.0.0.1:0"\n'
        f'[control]\nsocket = "control.sock"\n[[pbx]]\nname = "lab"\nport = {pbx.port}\n'
        'secret_file = "secret"\ntrunks = ["PJSIP/trunk"]\ninbound_contexts = ["from-trunk"]\n'
        f"reconnect_max_seconds = 0.1\n{more}\n[agents]{lines}"
    )


@asynccontextmanager
async def daemon(folder: Path, config: str, **options: Any) -> AsyncIterator[Daemon]:
    """A daemon with this configuration; it is killed where the test did not stop it."""
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    (folder / "ctid.toml").write_text(config)
    watch = Watch()
    systemd = Systemd(folder / "notify", watch)
    running = Daemon(folder, watch, systemd)
    await running.start(**options)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(running.read())
        try:
            yield running
        finally:
            systemd.close()
            assert running.process is not None
            if running.process.returncode is None:
                running.process.kill()
            await running.process.wait()


def call(name: str, number: int = 0, at: float = 1_800_000_000.0) -> list[bytes]:
    """The events of a recorded call, as blocks to be sent."""
    return [block + b"\r\n\r\n" for _, _, block in Template(recorded(name)).copy(number, at)]


async def command(*arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a command of ctid."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ctid", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
