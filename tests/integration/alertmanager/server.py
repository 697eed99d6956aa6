"""The real Alertmanager, and a receiver of what it tells."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from tests.integration.tickets.real.program import Program, free_port
from tests.waiting import until

MISSING: Final = "Alertmanager is not installed: apt-get install prometheus-alertmanager"
CONFIG: Final = """\
global:
  resolve_timeout: {resolve_timeout}
route:
  receiver: tests
  group_by: [site, line, alertname]
  group_wait: 1ms
  group_interval: 100ms
  repeat_interval: 1h
receivers:
  - name: tests
    webhook_configs:
      - url: {hook}
"""


def program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", os.defpath))


class Hook:
    """What it was told, in order: the alerts of each notification, with the status of each."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_post("/", self._take)
        self.server = TestServer(app)

    async def _take(self, request: web.Request) -> web.Response:
        found = await request.json()
        for alert in found["alerts"]:
            self.told.append({**alert, "groupKey": found["groupKey"]})
        return web.Response()

    def of(self, alertname: str, status: str, **labels: str) -> list[dict[str, Any]]:
        wanted = {"alertname": alertname, **labels}
        return [
            each
            for each in self.told
            if each["status"] == status and wanted.items() <= each["labels"].items()
        ]


class Server:
    """One Alertmanager, and whom it tells."""

    def __init__(self, run: Program, hook: Hook, prefix: str) -> None:
        self.run = run
        self.hook = hook
        self.url = run.url + prefix

    async def alerts(self) -> list[dict[str, Any]]:
        """Those that fire there now."""
        async with ClientSession() as session, session.get(f"{self.url}/api/v2/alerts") as answer:
            found: list[dict[str, Any]] = await answer.json()
        return found

    async def names(self) -> list[str]:
        """Of those, but for the watchdog."""
        names = sorted(each["labels"]["alertname"] for each in await self.alerts())
        return [name for name in names if name != "CtidWatchdog"]

    async def until(self, condition: Callable[[list[dict[str, Any]]], bool]) -> None:
        """Ask until what fires there is so."""
        async with asyncio.timeout(20):
            while not condition(await self.alerts()):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)

    async def told(self, alertname: str, status: str, **labels: str) -> dict[str, Any]:
        """The first notification about this, once it has come."""
        await until(lambda: bool(self.hook.of(alertname, status, **labels)))
        return self.hook.of(alertname, status, **labels)[0]


@asynccontextmanager
async def alertmanager(
    folder: Path,
    *,
    resolve_timeout: str = "2s",
    prefix: str = "",
    options: Iterable[str] = (),
    start: bool = True,
) -> AsyncIterator[Server]:
    path = program("prometheus-alertmanager")
    assert path is not None
    hook = Hook()
    async with hook.server:
        config = folder / "alertmanager.yml"
        url = str(hook.server.make_url("/"))
        config.write_text(CONFIG.format(resolve_timeout=resolve_timeout, hook=url))
        port = free_port()
        command = [
            path,
            f"--config.file={config}",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.route-prefix={prefix or '/'}",
            "--cluster.listen-address=",
            *options,
        ]
        run = Program(command, {}, port, folder / "alertmanager.log")
        try:
            if start:
                await asyncio.to_thread(run.start)
            yield Server(run, hook, prefix)
        finally:
            run.kill()
