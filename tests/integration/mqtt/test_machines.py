"""Alerts that really are: watch and SQLite, the real Mosquitto, the real Alertmanager."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ctid.alert_desk import AlertDesk
from ctid.committer import Clocks
from ctid.config import Config, load
from ctid.config.channels import Channels, MqttChannel
from ctid.domain.alerts import Acknowledged, Alert
from ctid.domain.batch import Batch
from ctid.domain.drafts import LineName
from ctid.domain.records import Record
from ctid.machines import Machines
from ctid.outbound.alarm import NoAlarm
from ctid.outbound.pages.rendering import Pages
from ctid.pipeline import Pipeline
from ctid.store import alert_queries
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.watching import Watching
from tests.integration.alertmanager import server as alertmanagers
from tests.integration.alertmanager.server import Server, alertmanager
from tests.integration.mqtt.alerting import RESULT, ask, channel_table, heard, until_kept
from tests.integration.mqtt.backend import next_from, table
from tests.integration.mqtt.broker import Broker
from tests.unit.domain.missed_calls import record
from tests.unit.domain.watching import Names

CONFIG = """
site = "lab"
[store]
url = "ctid.sqlite3"
[[line]]
name = "network"
title = "Network hotline"
dids = ["8001"]
[[line]]
name = "server"
dids = ["8002"]
[alert]
language = "en"
[[channels.alertmanager]]
url = "URL"
resend_seconds = 0.2
"""


@dataclass
class Daemon:
    """What of ctid has to do with alerts, without PBXs; `now` moves by hand."""

    config: Config
    store: Store
    watching: Watching
    desk: AlertDesk
    machines: Machines
    time: list[float]

    def call(self) -> Record:
        """Somebody calls the line `network`, and waits."""
        waiting: dict[str, Any] = {"outcome": None, "reason": None, "open": True, "ended_at": None}
        made = record(self.time[0], **waiting)
        self._take(made)
        return made

    def answer(self, call: Record) -> None:
        self._take(call._replace(answered_at=self.time[0], agent="Li"))

    def _take(self, made: Record) -> None:
        self.watching.change(lambda watch, now: watch.receive([made], [], now))

    def advance(self, seconds: float) -> None:
        self.time[0] += seconds
        self.watching.change(lambda watch, now: watch.handle_timer(now))

    async def alerts(self) -> list[Alert]:
        """Those that are open on disk."""
        async with Reader(self.store.database) as reader:
            return await alert_queries.open_alerts(reader)


def configured(folder: Path, url: str, broker: MqttChannel) -> Config:
    path = folder / "ctid.toml"
    path.write_text(CONFIG.replace("URL", url))
    config = load(path, read_secrets=False)
    channels = Channels(alertmanager=config.channels.alertmanager, mqtt=(broker,))
    return config.model_copy(update={"channels": channels})


@asynccontextmanager
async def daemon(config: Config) -> AsyncIterator[Daemon]:
    await upgrade(config.store.url)
    now = [time.time() - 3600]
    clocks = Clocks(lambda: now[0], lambda: now[0])

    async def presence(_lines: Any) -> Any:
        return {}

    def feed(batch: Batch) -> None:
        machines.feed(batch)

    names = {line.name: LineName(line.name, line.title, line.specialty) for line in config.lines()}
    pages = Pages("lab", ZoneInfo("UTC"), {}, "en", names, lambda _page: None)
    async with await Store.open(config.store.url) as store, asyncio.TaskGroup() as tasks:
        pipeline = Pipeline(
            {},
            store,
            clocks,
            commit_delay=0.001,
            alarm=NoAlarm(),
            feed=feed,
        )
        watching = Watching(config, Names, clocks)
        desk = AlertDesk(watching, pipeline, clocks.wall, lambda: names)
        machines = Machines(
            config,
            tasks,
            watching.watch,
            desk,
            in_sight=pipeline.all_in_sight,
            render=pages.render,
            clock=clocks.wall,
        )
        running = [
            tasks.create_task(pipeline.run()),
            tasks.create_task(watching.run(pipeline, presence)),
        ]
        machines.open()
        await asyncio.sleep(0)  # the watch begins
        try:
            yield Daemon(config, store, watching, desk, machines, now)
        finally:
            await machines.close()
            running[1].cancel()
            pipeline.stop()
            await running[0]


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[Server]:
    if alertmanagers.program("prometheus-alertmanager") is None:
        pytest.skip(alertmanagers.MISSING)
    async with alertmanager(folder, resolve_timeout="2s") as server:
        yield server


def said(server: Server, name: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda alerts: any(each["annotations"].get("acknowledged_by") == name for each in alerts)


async def test_from_the_call_to_the_answer(own_broker: Broker, tmp_path: Path) -> None:
    settings = channel_table(own_broker)
    async with (
        servers(tmp_path) as server,
        daemon(configured(tmp_path, server.url, settings)) as ctid,
        own_broker.client("desk") as person,
    ):
        await person.subscribe(RESULT, qos=1)
        states = await until_kept(own_broker, "line/network", "line/server")
        assert states["line/network"] == {
            "name": "network",
            "title": "Network hotline",
            "specialty": "network",
            "on_duty": True,
            "unanswered_since": None,
            "limit_at": None,
            "waiting": 0,
            "in_sight": True,
            "alerts": [],
        }
        began = ctid.time[0]
        call = ctid.call()
        ctid.advance(15 * 60)
        states = await until_kept(own_broker, "line/network", "line/server", "alert/1")
        assert states["alert/1"]["state"] == "firing"
        line = states["line/network"]
        assert (line["unanswered_since"], line["limit_at"]) == (began, began + 900)
        assert (line["waiting"], line["alerts"]) == (1, [1])
        fired = await server.told("CtidLineUnanswered", "firing")
        assert "Network hotline" in fired["annotations"]["summary"]

        await ask(person, {"action": "ack", "alert": 1, "by": "Li Lei", "why": "on it"})
        assert (await heard(person, RESULT))["ok"] is True
        (alert,) = await ctid.alerts()
        assert isinstance(alert.state, Acknowledged)
        assert (alert.state.by, alert.state.why) == ("Li Lei", "on it")
        await server.until(said(server, "Li Lei"))

        ctid.time[0] += 60
        ctid.answer(call)
        await until_kept(own_broker, "line/network", "line/server")
        await server.told("CtidLineUnanswered", "resolved")
        assert await ctid.alerts() == []


async def test_what_is_asked_for_in_words(own_broker: Broker, tmp_path: Path) -> None:
    settings = channel_table(own_broker)
    async with (
        servers(tmp_path) as server,
        daemon(configured(tmp_path, server.url, settings)) as ctid,
        own_broker.client("desk") as person,
    ):
        await until_kept(own_broker, "line/network", "line/server")
        await person.subscribe(RESULT, qos=1)
        for wanted in (
            {"action": "incident", "title": "Core switch is down", "line": "server"},
            {"action": "silence", "minutes": 5, "kinds": ["incident"], "why": "known"},
        ):
            await ask(person, wanted | {"by": "Li Lei"})
            assert (await heard(person, RESULT))["ok"] is True
        states = await until_kept(own_broker, "line/network", "line/server", "alert/1")
        async with asyncio.timeout(20):
            while not states["alert/1"]["silenced"]:
                states = await until_kept(own_broker, "line/network", "line/server", "alert/1")
        await server.until(
            lambda alerts: [a["labels"]["alertname"] for a in alerts] == ["CtidWatchdog"]
        )
        for wanted, why in (
            ({"action": "ack", "alert": 99}, "99"),
            ({"action": "incident", "title": "x", "line": "netwrk"}, "netwrk: no such line"),
        ):
            await ask(person, wanted | {"by": "Li Lei"})
            answer = await heard(person, RESULT)
            assert answer["ok"] is False
            assert why in answer["why"]
        await ask(person, {"action": "resolve", "alert": 1, "why": "repaired", "by": "Li Lei"})
        assert (await heard(person, RESULT))["ok"] is True
        await until_kept(own_broker, "line/network", "line/server")
        assert await ctid.alerts() == []


async def test_a_second_acknowledgement_is_told_whose_the_alert_is(
    own_broker: Broker, tmp_path: Path
) -> None:
    settings = channel_table(own_broker)
    async with (
        daemon(configured(tmp_path, "http://127.0.0.1:9", settings)) as ctid,
        own_broker.client("desk") as person,
    ):
        await until_kept(own_broker, "line/network", "line/server")
        await person.subscribe(RESULT, qos=1)
        await ctid.desk.incident("server", "Core switch is down", "root")
        ack = {"action": "ack", "alert": 1, "by": "Li Lei", "why": "on it"}
        await ask(person, ack)
        assert await heard(person, RESULT) == {"id": None, "ok": True, "why": None}
        at = datetime.fromtimestamp(ctid.time[0], ZoneInfo("UTC")).strftime("%H:%M")
        ctid.time[0] += 1.0
        await ask(person, {**ack, "by": "Han", "why": "mine"})
        assert await heard(person, RESULT) == {
            "id": None,
            "ok": True,
            "why": f"already acknowledged by Li Lei at {at} (reason: on it); nothing was changed",
        }
        (alert,) = await ctid.alerts()
        assert isinstance(alert.state, Acknowledged)
        assert (alert.state.by, alert.state.why) == ("Li Lei", "on it")


async def test_another_configuration(own_broker: Broker, tmp_path: Path) -> None:
    settings = channel_table(own_broker)
    async with (
        servers(tmp_path) as server,
        daemon(configured(tmp_path, server.url, settings)) as ctid,
    ):
        await until_kept(own_broker, "line/network", "line/server")
        lines = [line for line in ctid.config.line if line.name == "network"]
        config = ctid.config.model_copy(update={"line": tuple(lines)})
        ctid.watching.use(config)
        await ctid.machines.use(config)
        await until_kept(own_broker, "line/network")
        await server.told("CtidWatchdog", "firing")
        await ctid.machines.use(config.model_copy(update={"channels": Channels(mqtt=(settings,))}))
        await server.told("CtidWatchdog", "resolved")
        await until_kept(own_broker, "line/network")


async def test_ctid_is_there_while_its_tables_change(own_broker: Broker, tmp_path: Path) -> None:
    channel = channel_table(own_broker)
    config = configured(tmp_path, "http://127.0.0.1:9", channel)
    drafts = config.model_copy(update={"mqtt": (table(own_broker),), "channels": Channels()})
    async with own_broker.client("wall") as wall:
        await wall.subscribe("ctid/lab/status", qos=1)
        async with daemon(drafts) as ctid:
            assert (await next_from(wall)).payload == b"online"
            both = drafts.model_copy(update={"channels": Channels(mqtt=(channel,))})
            other = channel.model_copy(update={"commands": False})
            for tables in (both, both.model_copy(update={"channels": Channels(mqtt=(other,))})):
                await ctid.machines.use(tables)
                await until_kept(own_broker, "line/network", "line/server")
            await wall.subscribe("mark", qos=1)
            assert len(wall.messages) == 0
            await ctid.machines.use(both.model_copy(update={"mqtt": (), "channels": Channels()}))
            assert (await next_from(wall)).payload == b"offline"
