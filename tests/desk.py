"""A real desk: watch, pipeline and SQLite, with a clock that stands, and the API in front of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from ctid.ack_pages import AckPages
from ctid.alert_desk import AlertDesk
from ctid.alert_routes import alert_routes, api_routes
from ctid.committer import Clocks
from ctid.config import Config, Secret, load
from ctid.config.serving import Api, ApiToken, Right
from ctid.domain.alerts import Route
from ctid.domain.roster import Person, Role, Roster
from ctid.outbound.alarm import NoAlarm
from ctid.pipeline import Pipeline
from ctid.store import alert_queries, secrets
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.watching import Watching
from ctid.web.api import ApiServer
from ctid.web.control import ControlServer
from ctid.web.links import AckLinks
from ctid.web.listener import Listener

BEGIN: Final = 1_795_741_200.0  # 2026-11-27 09:00:00 in Shanghai
NUMBER: Final = "13800000001"
READ: Final = "read-token-of-the-wallboard"
WRITE: Final = "write-token-of-the-ticket-desk"
CONFIG: Final = """timezone = "Asia/Shanghai"
[store]
url = "ctid.sqlite3"
[control]
socket = "control.sock"
[[line]]
name = "network"
title = "网络专业热线"
dids = ["8001"]
[[line]]
name = "server"
title = "Server hotline"
dids = ["8002"]
"""
TOKENS: Final = (
    ApiToken(name="wallboard", token=Secret(READ)),
    ApiToken(name="tickets", rights=(Right.READ, Right.WRITE), token=Secret(WRITE)),
)
LI: Final = Person("li", "李四", (Route("robot", "13900000002"), Route("mail")), "zh")
WANG: Final = Person("wang", "Wang Wu", (Route("robot"),), "en")


@dataclass
class Clock:
    now: float = BEGIN

    def __call__(self) -> float:
        return self.now


class Now(Clock):
    """The true time, for commands, which have no other."""

    def __call__(self) -> float:
        return time.time()


@dataclass
class Names:
    """Who has which role, at any time."""

    roles: dict[Role, list[Person]] = field(
        default_factory=lambda: {Role.FIRST_LINE: [LI, WANG], Role.DUTY_LEAD: [WANG]}
    )

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:  # noqa: ARG002
        return self.roles.get(role, [])

    def everyone(self, line: str | None) -> Iterable[Person]:  # noqa: ARG002
        return [one for people in self.roles.values() for one in people]

    def changes(self, line: str | None, begin: float, end: float) -> Iterable[float]:  # noqa: ARG002
        return ()


@dataclass
class Desk:
    """What a test has to do with: `desk` is what people do, `url` where the API listens."""

    folder: Path
    config: Config
    clock: Clock
    desk: AlertDesk
    watching: Watching
    store: Store
    links: AckLinks
    url: str

    def reader(self) -> Reader:
        return Reader(self.store.database)

    async def ask(
        self, method: str, path: str, *, token: str | None = WRITE, **more: Any
    ) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.url + path, **more) as response,
        ):
            return response.status, await response.json()


def configured(folder: Path) -> Config:
    (folder / "ctid.toml").write_text(CONFIG)
    return load(folder / "ctid.toml", read_secrets=False)


@asynccontextmanager
async def opened(
    folder: Path, clock: Clock | None = None, *, names: Names | None = None
) -> AsyncIterator[Desk]:
    """A daemon without PBXs and channels: pages stay where the channels would fetch them."""
    config, clock, roster = configured(folder), clock or Clock(), names or Names()
    await upgrade(config.store.url)
    clocks = Clocks(clock, clock)

    def on_roster() -> Roster:
        return roster

    async def ask(_lines: Any) -> Any:
        return {}

    async with await Store.open(config.store.url) as store, asyncio.TaskGroup() as tasks:
        pipeline = Pipeline({}, store, clocks, commit_delay=0.001, alarm=NoAlarm())
        watching = Watching(config, on_roster, clocks)
        await _restore(watching, store, config, clock.now)
        desk = AlertDesk(watching, pipeline, clock, lambda: [line.name for line in config.line])
        secret = await secrets.kept_secret(store, secrets.LINKS, bytes(range(32)))
        links = AckLinks(secret, "https://ctid.example/desk/")
        running = [
            tasks.create_task(pipeline.run()),
            tasks.create_task(watching.run(pipeline, ask)),
        ]
        listener = Listener(Api(listen="127.0.0.1:0"))
        made = Desk(folder, config, clock, desk, watching, store, links, "")
        pages = AckPages(desk, made.reader, secret, lambda: made.config, clock)
        async with (
            ApiServer(
                listener,
                lambda: TOKENS,
                api_routes(desk, made.reader, clock),
                pages.routes(),
                clock=clock,
            ),
            ControlServer(folder / "control.sock", alert_routes(desk, clock)),
        ):
            made.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
            await asyncio.sleep(0)  # the watch begins
            yield made
        running[1].cancel()
        pipeline.stop()
        await running[0]


async def _restore(watching: Watching, store: Store, config: Config, now: float) -> None:
    async with Reader(store.database) as reader:
        await watching.restore(
            reader,
            config,
            await alert_queries.open_alerts(reader),
            await alert_queries.silences(reader, now),
            (
                await alert_queries.highest_number(reader),
                await alert_queries.highest_silence(reader),
            ),
            {},
        )
