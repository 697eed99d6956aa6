"""A reload changes how pages go; what is being sent meanwhile is sent once."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector, web

from tests.integration.ami.fake_server import FakeAmi
from tests.integration.web.daemon import Daemon, daemon, text
from tests.waiting import until


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: that of a socket may have 107 bytes."""
    return tmp_path_factory.mktemp("d")


class Desk:
    """Takes pages, each after a while: as long as `gate` is clear. `titles` are what came."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.titles: list[str] = []

    async def _take(self, request: web.Request) -> web.Response:
        self.titles.append((await request.json())["title"])
        await self.gate.wait()
        return web.json_response({})

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/", self._take)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            self.gate.set()
            await runner.cleanup()


def channel(url: str, concurrency: int) -> str:
    return (
        f'[alert]\nlanguage = "en"\nchannels = ["desk"]\n[[channels.webhook]]\nname = "desk"\n'
        f'url = "{url}"\nsecret_file = "secret"\nconcurrency = {concurrency}\n'
    )


async def incident(ctid: Daemon, title: str) -> None:
    connector = UnixConnector(str(ctid.folder / "control.sock"))
    async with ClientSession(connector=connector) as session:
        asked = session.post("http://ctid/v1/alerts/incident", json={"title": title})
        async with asked as response:
            assert response.status == 200, await response.text()


def states(folder: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(folder / "ctid.sqlite3")) as database:
        return database.execute("SELECT alert, state FROM page ORDER BY alert").fetchall()


async def test_what_is_being_sent_is_sent_once_and_nobody_waits_for_it(folder: Path) -> None:
    desk = Desk()
    async with FakeAmi() as pbx, desk.open() as url:
        config = text(pbx, more=channel(url, 4))
        async with daemon(folder, config) as ctid:
            await until((folder / "control.sock").exists)
            await incident(ctid, "one")
            await until(lambda: len(desk.titles) == 1)
            ctid.config.write_text(text(pbx, more=channel(url, 5)))
            ctid.signal(signal.SIGHUP)
            await ctid.until("reloaded")
            await incident(ctid, "two")
            await until(lambda: len(desk.titles) == 2)
            assert states(folder) == [(1, "pending"), (2, "pending")]
            desk.gate.set()
            await until(lambda: states(folder) == [(1, "delivered"), (2, "delivered")])
            assert await ctid.stop() == 0
    assert [title.split(",")[0] for title in desk.titles] == ["INCIDENT: one", "INCIDENT: two"]
    assert not ctid.logged("paging_fault")
