"""Whether ctid is there, as anybody at the broker sees it."""

import asyncio
import sys
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
from structlog.testing import capture_logs

from ctid.config.broker import Broker
from ctid.outbound.mqtt.status import Statuses
from ctid.outbound.pages.mqtt import MqttPages
from ctid.outbound.tickets.mqtt import Mqtt
from tests.integration.mqtt.alerting import Desk, alerting, channel_table, line
from tests.integration.mqtt.backend import QUICK, SITE, next_from, table
from tests.integration.mqtt.broker import PASSWORDS
from tests.integration.mqtt.broker import Broker as Mosquitto
from tests.paged import about, alert
from tests.waiting import until

STATUS = "ctid/lab/status"
HOLDER = Path(__file__).with_name("holder.py")


async def status(client: aiomqtt.Client) -> tuple[object, bool]:
    message = await next_from(client)
    assert message.topic.value == STATUS
    return message.payload, message.retain


@asynccontextmanager
async def said(*tables: Broker) -> AsyncIterator[Statuses]:
    """ctid is there within this."""
    async with asyncio.TaskGroup() as tasks:
        statuses = Statuses(tasks, SITE, QUICK)
        statuses.open(tables)
        try:
            yield statuses
        finally:
            await statuses.close()


async def silent(client: aiomqtt.Client) -> bool:
    """Whether nothing has come; what comes before this answer is handed over before it."""
    await client.subscribe("mark", qos=1)
    return len(client.messages) == 0


async def throw_out(broker: Mosquitto, client_id: str) -> None:
    """The broker closes the socket of whoever has the id of a newcomer, who goes at once."""
    reading, writing = await asyncio.open_connection("127.0.0.1", broker.plain)
    texts = [text.encode() for text in (client_id, "ctid", PASSWORDS["ctid"])]
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c"  # MQTT 3.1.1, clean session, name, password
    body += b"".join(len(text).to_bytes(2) + text for text in texts)
    writing.write(b"\x10" + len(body).to_bytes() + body)
    assert await reading.readexactly(4) == b"\x20\x02\x00\x00"
    writing.close()


async def test_online_and_offline(own_broker: Mosquitto) -> None:
    async with own_broker.client("wall") as wall:
        await wall.subscribe(STATUS, qos=1)
        async with said(table(own_broker)):
            assert await status(wall) == (b"online", False)
        assert await status(wall) == (b"offline", False)
    async with own_broker.client("wall") as later:
        await later.subscribe(STATUS, qos=1)
        assert await status(later) == (b"offline", True)


async def test_the_broker_tells_of_a_ctid_that_was_killed(own_broker: Mosquitto) -> None:
    command = [sys.executable, str(HOLDER), str(own_broker.plain), PASSWORDS["ctid"]]
    async with own_broker.client("wall") as wall:
        await wall.subscribe(STATUS, qos=1)
        holder = await asyncio.create_subprocess_exec(*command)
        try:
            assert await status(wall) == (b"online", False)
        finally:
            holder.kill()
            await holder.wait()
        assert await status(wall) == (b"offline", False)


async def test_what_becomes_of_other_connections_is_not_taken_for_ctid(
    own_broker: Mosquitto,
) -> None:
    drafts, channel = table(own_broker, acknowledged=True), channel_table(own_broker)
    with capture_logs() as lines:
        async with (
            own_broker.client("wall") as wall,
            alerting(channel, Desk(line())),
            said(drafts, channel),
        ):
            backend = Mqtt(drafts, SITE, QUICK)
            await backend.look_up("ctid:lab:1:network")
            await wall.subscribe(STATUS, qos=1)
            assert (await status(wall))[0] == b"online"
            await until(lambda: _count(lines, "mqtt_up") == 3)
            for number, name in enumerate(("ctid-lab-mqtt", "ctid-lab-mqtt-alerts"), 1):
                await throw_out(own_broker, name)
                await until(lambda n=number: _count(lines, "mqtt_up") == 3 + n)  # type: ignore[misc]
            assert _count(lines, "mqtt_down") == 2
            await backend.close()
            async with own_broker.client("wall") as reader:
                await reader.subscribe("ctid/lab/alert/page", qos=1)
                pages = MqttPages(channel, SITE, QUICK)
                await pages.send(about(alert()))
                await pages.close()
            assert await silent(wall)
            # and its own is lost: it says so, and comes back
            await throw_out(own_broker, "ctid-lab")
            assert await status(wall) == (b"offline", False)
            assert await status(wall) == (b"online", False)


async def test_other_tables_for_the_same_broker_change_nothing(own_broker: Mosquitto) -> None:
    async with own_broker.client("wall") as wall, said(table(own_broker)) as statuses:
        await wall.subscribe(STATUS, qos=1)
        assert (await status(wall))[0] == b"online"
        await statuses.use([table(own_broker, name="other", lines=("network",))])
        assert await silent(wall)
        # another user: out and in again
        await statuses.use([table(own_broker, "stranger")])
        assert [(await status(wall))[0] for _ in range(2)] == [b"offline", b"online"]
        await statuses.use([])
        assert (await status(wall))[0] == b"offline"


async def test_a_second_ctid_of_the_same_name_takes_the_place_of_the_first(
    own_broker: Mosquitto,
) -> None:
    """They push each other out, with pauses in between; nothing of either is left in the end."""
    with capture_logs() as lines:
        async with said(table(own_broker)):
            await until(lambda: _count(lines, "mqtt_up") == 1)
            async with said(table(own_broker)):
                await until(lambda: _count(lines, "mqtt_down") > 0)


async def test_who_may_not_write_the_status_is_told_so(own_broker: Mosquitto) -> None:
    with capture_logs() as lines:
        async with said(table(own_broker, "sender")):
            await until(lambda: _count(lines, "mqtt_up") == 1)
    assert {
        "event": "mqtt_status_refused",
        "topic": STATUS,
        "why": "Not authorized",
        "log_level": "warning",
    } in lines


def _count(lines: list[MutableMapping[str, Any]], event: str) -> int:
    return [line["event"] for line in lines].count(event)
