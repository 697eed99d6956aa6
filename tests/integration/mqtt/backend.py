"""ctid's side: a backend for a broker of the tests, and drafts for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import orjson

from ctid.config.backends import MqttBackend
from ctid.config.secret import Secret
from ctid.domain.drafts import Caller, Draft, LineName, Priority, Stage
from ctid.domain.records import Direction
from ctid.outbound.mqtt.connection import Pauses
from ctid.outbound.port import DeliveryError, Document, Reason
from ctid.outbound.tickets.mqtt import Mqtt
from tests.integration.mqtt import relay
from tests.integration.mqtt.broker import PASSWORDS, Broker

SITE = "lab"
QUICK = Pauses(first=0.02, longest=0.1)


def draft(key: str) -> Draft:
    return Draft(
        key=key,
        site=SITE,
        stage=Stage.TALKING,
        pbx="pbx",
        uniqueid="1.1",
        linkedid="1.1",
        direction=Direction.INBOUND,
        did="8000",
        line=LineName("network", "Network", "network"),
        caller=Caller("13800138000", "+8613800138000", "李雷", None),
        outcome=None,
        reason=None,
        started_at=1.0,
        answered_at=None,
        ended_at=None,
        agent=None,
        visits=(),
        transfers=(),
        attempts=(),
        call_back=None,
        recording=None,
        link=None,
        priority=Priority.NORMAL,
        due_at=None,
    )


def document(
    key: str = "ctid:lab:1.1:network", revision: int = 1, data: bytes | None = None
) -> Document:
    data = orjson.dumps({"key": key}) if data is None else data
    return Document(revision, draft(key), "Call", "Body\n", data)


def table(broker: Broker, user: str = "ctid", **changes: Any) -> MqttBackend:
    """The table for the listener that wants a password."""
    given: dict[str, Any] = {
        "host": "localhost",
        "port": broker.port,
        "tls": True,
        "ca_file": broker.certificates.path("ca.crt"),
        "username": user,
        **changes,
    }
    made = MqttBackend(**given)
    return made.model_copy(
        update={"password": Secret(PASSWORDS[user])} if "password" not in changes else {}
    )


@asynccontextmanager
async def opened(settings: MqttBackend) -> AsyncIterator[Mqtt]:
    """A backend; when it is closed nothing of it is left."""
    before = asyncio.all_tasks()
    backend = Mqtt(settings, SITE, QUICK)
    try:
        yield backend
    finally:
        await backend.close()
        assert {task for task in asyncio.all_tasks() if task.get_name() != relay.NAME} <= before


async def failure(backend: Mqtt, sent: Document | None = None) -> DeliveryError:
    try:
        await backend.create(sent or document())
    except DeliveryError as error:
        return error
    raise AssertionError("it was delivered")


async def delivered(backend: Mqtt, sent: Document) -> None:
    """Try until it is there, as the worker does."""
    async with asyncio.timeout(20):
        while not await _succeeds(backend, sent):  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)


async def _succeeds(backend: Mqtt, sent: Document) -> bool:
    try:
        await backend.create(sent)
    except DeliveryError as error:
        if error.reason in {Reason.UNREACHABLE, Reason.MISCONFIGURED}:
            return False
        raise
    return True


async def next_from(client: aiomqtt.Client) -> aiomqtt.Message:
    async with asyncio.timeout(20):
        return await anext(aiter(client.messages))
