import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import orjson
import pytest
from structlog.testing import capture_logs

from ctid.outbound.mqtt.acks import LONGEST
from ctid.outbound.port import Reason, Remote
from tests.integration.mqtt.backend import document, failure, next_from, opened, table
from tests.integration.mqtt.broker import Broker
from tests.waiting import DEADLINE_SECONDS, until

DRAFT = "ctid/lab/ticket/draft"
KEY = "ctid:lab:1.1:network/电话+#"
ACK = "ctid/lab/ticket/ack/ctid:lab:1.1:network%2F%E7%94%B5%E8%AF%9D%2B%23"


@asynccontextmanager
async def system(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    """A ticket system; it has its drafts kept while it is away."""
    async with broker.client() as client:
        await client.subscribe(DRAFT, qos=1)
        yield client


async def answer(client: aiomqtt.Client, content: dict[str, Any], topic: str = ACK) -> None:
    await next_from(client)
    await client.publish(topic, orjson.dumps(content), qos=1)


async def test_the_ticket_is_what_the_other_side_answers(broker: Broker) -> None:
    settings = table(broker, acknowledged=True, timeout_seconds=DEADLINE_SECONDS)
    async with system(broker) as client, opened(settings) as backend:
        async with asyncio.TaskGroup() as tasks:
            created = tasks.create_task(backend.create(document(KEY)))
            content = {"ticket_id": "4711", "url": "https://desk.example.org/4711", "more": 1}
            await answer(client, content)
        expected = Remote("4711", "https://desk.example.org/4711")
        assert created.result() == expected
        assert await backend.look_up(KEY) == expected
        assert await backend.look_up("ctid:lab:other:network") is None
        # the next revision needs no answer
        await backend.update(expected, document(KEY, revision=2), unsure=False)
        await next_from(client)


async def test_an_answer_that_comes_too_late_is_found_later(broker: Broker) -> None:
    async with (
        system(broker) as client,
        opened(table(broker, acknowledged=True, timeout_seconds=0.3)) as backend,
    ):
        error = await failure(backend, document(KEY))
        assert error.reason is Reason.TIMEOUT
        assert ACK in str(error)
        assert await backend.look_up(KEY) is None
        await answer(client, {"ticket_id": "4711"})
        await until(lambda: backend._acks.known(KEY) is not None)
        assert await backend.look_up(KEY) == Remote("4711")


async def test_an_answer_for_a_ctid_that_was_away_is_kept_by_the_broker(
    own_broker: Broker,
) -> None:
    settings = table(own_broker, acknowledged=True, timeout_seconds=0.3)
    async with system(own_broker) as client:
        async with opened(settings) as backend:
            assert (await failure(backend, document(KEY))).reason is Reason.TIMEOUT
        await answer(client, {"ticket_id": "4711"})
    async with opened(settings) as backend:
        await backend.look_up("ctid:lab:other:network")  # connects
        await until(lambda: backend._acks.known(KEY) is not None)
        assert await backend.look_up(KEY) == Remote("4711")


async def test_without_a_connection_nobody_knows(broker: Broker) -> None:
    settings = table(broker, acknowledged=True, host="broker.invalid")
    async with opened(settings) as backend:
        with pytest.raises(Exception, match="the name is not known") as raised:
            await backend.look_up(KEY)
    assert raised.value.reason is Reason.UNREACHABLE  # type: ignore[attr-defined]


HOSTILE = {
    "nothing": b"",
    "no JSON": b"\xff\xfe<ticket>",
    "cut JSON": b'{"ticket_id": "47',
    "a list": b'["4711"]',
    "a number": b"4711",
    "deep": b"[" * 4000,
    "no id": b'{"url": "https://desk.example.org/"}',
    "id is a number": b'{"ticket_id": 4711}',
    "id is empty": b'{"ticket_id": ""}',
    "id has a line break": b'{"ticket_id": "47\\r\\n11"}',
    "id is long": b'{"ticket_id": "' + b"4" * 256 + b'"}',
    "url is a script": b'{"ticket_id": "1", "url": "javascript:alert(1)"}',
    "url is an object": b'{"ticket_id": "1", "url": {}}',
    "large": b'{"ticket_id": "1", "x": "' + b"x" * LONGEST + b'"}',
}


async def test_hostile_answers_are_counted_and_ignored(broker: Broker) -> None:
    settings = table(broker, acknowledged=True, timeout_seconds=DEADLINE_SECONDS)
    with capture_logs() as lines:
        async with system(broker) as client, opened(settings) as backend:
            async with asyncio.TaskGroup() as tasks:
                created = tasks.create_task(backend.create(document(KEY)))
                await next_from(client)
                # larger than what ctid lets the broker send: it never arrives
                await asyncio.to_thread(broker.publish, ACK, b"x" * 300_000)
                for payload in HOSTILE.values():
                    await asyncio.to_thread(broker.publish, ACK, payload)
                await asyncio.to_thread(broker.publish, ACK, b'{"ticket_id": "4711"}')
            assert created.result() == Remote("4711")
            assert backend.ignored_acks == len(HOSTILE)
    ignored = [line["so_far"] for line in lines if line["event"] == "ticket_ack_ignored"]
    assert ignored == [1, 2, 4, 8]
    assert [line["event"] for line in lines].count("mqtt_up") == 1
