"""ctid's side: alerts at a broker of the tests, and what it is asked to do."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiomqtt
import orjson

from ctid.config.channels import MqttChannel
from ctid.config.secret import Secret
from ctid.domain.alerts import Alert
from ctid.outbound.mqtt.alerts import AlertTopics
from ctid.outbound.mqtt.commands import Action, Refused
from ctid.outbound.mqtt.states import LineState, Standing
from tests.integration.mqtt.backend import QUICK, SITE, next_from
from tests.integration.mqtt.broker import PASSWORDS, Broker

COMMAND, RESULT = "ctid/lab/alert/command", "ctid/lab/alert/command/result"


def channel_table(broker: Broker, user: str = "ctid", **changes: Any) -> MqttChannel:
    """The table for the listener that wants a password."""
    given: dict[str, Any] = {
        "host": "localhost",
        "port": broker.port,
        "tls": True,
        "ca_file": broker.certificates.path("ca.crt"),
        "username": user,
        "commands": True,
        **changes,
    }
    return MqttChannel(**given).model_copy(update={"password": Secret(PASSWORDS[user])})


def line(name: str = "network", **changes: Any) -> LineState:
    state = LineState(name, name.title(), name, True, None, None, 0, True, ())
    return state._replace(**changes)


class Desk:
    """What is published, and what was asked for; alert 13 may not be touched."""

    def __init__(self, *lines: LineState, alerts: tuple[Alert, ...] = ()) -> None:
        self.lines = lines
        self.alerts = alerts
        self.done: list[tuple[Action, Mapping[str, Any], str]] = []
        self.held = asyncio.Event()
        self.held.set()

    def current(self) -> Standing:
        return Standing(self.lines, self.alerts)

    async def command(self, action: Action, body: Mapping[str, Any], by: str) -> str | None:
        await self.held.wait()
        if body.get("alert") == 13:
            raise Refused("there is no open alert 13")
        self.done.append((action, body, by))
        return None


@asynccontextmanager
async def alerting(
    settings: MqttChannel, desk: Desk, site: str = SITE
) -> AsyncIterator[AlertTopics]:
    """Runs within this; afterwards nothing of it is left."""
    before = asyncio.all_tasks()
    topics = AlertTopics(
        settings,
        site,
        current=desk.current,
        command=desk.command,
        pauses=QUICK,
        again_seconds=0.1,
        rest_seconds=0.01,
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(topics.run())
        try:
            yield topics
        finally:
            running.cancel()
    assert asyncio.all_tasks() <= before


async def heard(client: aiomqtt.Client, topic: str) -> Any:
    """The next message on this topic, whatever comes before it; None for an empty one."""
    while True:
        message = await next_from(client)
        if message.topic.value == topic:
            assert isinstance(message.payload, bytes)
            return orjson.loads(message.payload) if message.payload else None


async def until_up(client: aiomqtt.Client, desk: Desk, ctid: AlertTopics) -> None:
    """Return when ctid is connected: it publishes a line that nobody has seen before."""
    desk.lines = (*desk.lines, line(uuid4().hex))
    ctid.changed()
    topic = f"ctid/lab/state/line/{desk.lines[-1].name}"
    await client.subscribe(topic, qos=1)
    await heard(client, topic)


async def ask(client: aiomqtt.Client, body: Any, topic: str = COMMAND, **keys: Any) -> None:
    await client.publish(topic, orjson.dumps(body), qos=1, **keys)


async def kept(broker: Broker) -> dict[str, Any]:
    """What the broker has of states, as a newcomer sees it."""
    found: dict[str, Any] = {}
    async with broker.client("wall") as wall:
        await wall.subscribe("ctid/lab/state/#", qos=1)
        # answered after what the broker had kept was handed over
        await wall.subscribe("mark", qos=1)
        for _ in range(len(wall.messages)):
            message = await next_from(wall)
            if not message.retain:
                continue  # it changed just now
            assert isinstance(message.payload, bytes)
            found[message.topic.value.removeprefix("ctid/lab/state/")] = orjson.loads(
                message.payload
            )
    return found


async def until_kept(broker: Broker, *topics: str) -> dict[str, Any]:
    """Ask until exactly these are there."""
    async with asyncio.timeout(20):
        while set(found := await kept(broker)) != set(topics):  # noqa: ASYNC110 - as a newcomer
            await asyncio.sleep(0.02)
    return found
