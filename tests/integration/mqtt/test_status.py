"""Whether ctid is there, as anybody at the broker sees it."""

import asyncio
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiomqtt
from structlog.testing import capture_logs

from ctid.outbound.port import DeliveryError
from ctid.outbound.tickets.mqtt import Mqtt
from tests.integration.mqtt.backend import QUICK, SITE, document, next_from, opened, table
from tests.integration.mqtt.broker import PASSWORDS, Broker
from tests.waiting import until

STATUS = "ctid/lab/status"
HOLDER = Path(__file__).with_name("holder.py")


async def status(client: aiomqtt.Client) -> tuple[object, bool]:
    message = await next_from(client)
    assert message.topic.value == STATUS
    return message.payload, message.retain


async def test_online_and_offline(own_broker: Broker) -> None:
    async with own_broker.client("wall") as wall:
        await wall.subscribe(STATUS, qos=1)
        async with opened(table(own_broker, acknowledged=True)) as backend:
            await backend.look_up("ctid:lab:1:network")
            assert await status(wall) == (b"online", False)
        assert await status(wall) == (b"offline", False)
    async with own_broker.client("wall") as later:
        await later.subscribe(STATUS, qos=1)
        assert await status(later) == (b"offline", True)


async def test_the_broker_tells_of_a_ctid_that_was_killed(own_broker: Broker) -> None:
    command = [sys.executable, str(HOLDER), str(own_broker.plain), PASSWORDS["ctid"]]
    holder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert holder.stdout is not None
    async with own_broker.client("wall") as wall:
        try:
            assert await holder.stdout.readline() == b"connected\n"
            await wall.subscribe(STATUS, qos=1)
            assert await status(wall) == (b"online", True)
        finally:
            holder.kill()
            await holder.wait()
        assert await status(wall) == (b"offline", False)


async def test_a_second_ctid_of_the_same_name_takes_the_place_of_the_first(
    own_broker: Broker,
) -> None:
    """They push each other out, with pauses in between; nothing of either is left in the end."""
    settings = table(own_broker, acknowledged=True)
    with capture_logs() as lines:
        async with opened(settings) as first:
            second = Mqtt(settings, SITE, QUICK)
            await first.look_up("ctid:lab:1:network")
            await until(lambda: _count(lines, "mqtt_up") == 1)
            with suppress(DeliveryError):
                await second.look_up("ctid:lab:1:network")
            await until(lambda: _count(lines, "mqtt_down") > 0)
            await second.close()


async def test_who_may_not_write_the_status_is_told_so_and_delivers(own_broker: Broker) -> None:
    with capture_logs() as lines:
        async with own_broker.client() as tickets, opened(table(own_broker, "sender")) as backend:
            await tickets.subscribe("ctid/lab/ticket/draft", qos=1)
            await backend.create(document())
    assert {
        "event": "mqtt_status_refused",
        "topic": STATUS,
        "why": "Not authorized",
        "log_level": "warning",
    } in lines


def _count(lines: list[MutableMapping[str, Any]], event: str) -> int:
    return [line["event"] for line in lines].count(event)
