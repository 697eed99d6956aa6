import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import orjson
import pytest
from structlog.testing import capture_logs

from ctid.outbound.port import Reason, Remote
from tests.integration.mqtt.backend import (
    delivered,
    document,
    failure,
    next_from,
    opened,
    table,
)
from tests.integration.mqtt.broker import Broker, Certificates, free_ports
from tests.integration.mqtt.relay import relay
from tests.waiting import DEADLINE_SECONDS, until

DRAFT = "ctid/lab/ticket/draft"


@asynccontextmanager
async def reader(broker: Broker, topic: str = DRAFT) -> AsyncIterator[aiomqtt.Client]:
    async with broker.client() as client:
        await client.subscribe(topic, qos=1)
        yield client


async def test_each_revision_is_published_once_it_is_delivered(broker: Broker) -> None:
    async with opened(table(broker)) as backend, reader(broker) as client:
        sent = document(data='{"key": "k", "name": "李雷 <b>"}'.encode())
        assert await backend.create(sent) == Remote("ctid:lab:1.1:network")
        first = await next_from(client)
        assert (first.qos, first.retain) == (1, False)
        assert isinstance(first.payload, bytes)
        assert orjson.loads(first.payload) == {
            "revision": 1,
            "draft": {"key": "k", "name": "李雷 <b>"},
        }
        await backend.update(Remote(sent.key), document(revision=2), unsure=False)
        second = await next_from(client)
        assert isinstance(second.payload, bytes)
        assert orjson.loads(second.payload)["revision"] == 2
        assert await backend.look_up(sent.key) is None


async def test_many_at_once(broker: Broker) -> None:
    """More than the broker takes at a time: the others wait their turn."""
    async with opened(table(broker)) as backend, reader(broker) as client:
        keys = {f"ctid:lab:1.{n}:network" for n in range(200)}
        async with asyncio.TaskGroup() as tasks:
            for key in keys:
                tasks.create_task(backend.create(document(key)))
        got = set()
        for _ in keys:
            message = await next_from(client)
            assert isinstance(message.payload, bytes)
            got.add(orjson.loads(message.payload)["draft"]["key"])
        assert got == keys


async def test_what_nobody_reads_is_not_delivered(own_broker: Broker) -> None:
    async with opened(table(own_broker)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.MISCONFIGURED
        assert "nobody is subscribed to ctid/lab/ticket/draft" in str(error)


async def test_a_wrong_password(broker: Broker) -> None:
    settings = table(broker, "ctid").model_copy(update={"password": table(broker, "wall").password})
    with capture_logs() as lines:
        async with opened(settings) as backend:
            error = await failure(backend)
    assert error.reason is Reason.DENIED
    assert "`username` or the password is wrong" in str(error)
    assert "w4ll" not in repr(lines) + str(error)
    assert [line["event"] for line in lines].count("mqtt_down") == 1


async def test_the_acl_denies_the_draft(broker: Broker) -> None:
    async with reader(broker), opened(table(broker, "stranger")) as backend:
        error = await failure(backend)
        assert error.reason is Reason.DENIED
        assert f"the ACL of the broker does not let ctid write {DRAFT}" in str(error)


async def test_an_authority_that_is_not_trusted(broker: Broker) -> None:
    other = broker.certificates.path("other.crt")
    async with opened(table(broker, ca_file=other)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE
        assert "its certificate is not trusted" in str(error)
        assert "`ca_file`" in str(error)


async def test_a_certificate_for_another_host(broker: Broker) -> None:
    async with opened(table(broker, host="127.0.0.2")) as backend:
        # the broker listens at 127.0.0.1 alone
        assert (await failure(backend)).reason is Reason.UNREACHABLE
    async with (
        relay(broker.port, "127.0.0.2") as port,
        opened(table(broker, host="127.0.0.2", port=port)) as backend,
    ):
        error = await failure(backend)
    assert error.reason is Reason.UNREACHABLE
    assert "IP address mismatch" in str(error)
    assert "correct `host`" in str(error)


async def test_nothing_listens(broker: Broker) -> None:
    (port,) = free_ports(1)
    async with opened(table(broker, port=port)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE
        assert str(error) == f"localhost:{port}: Connection refused"


async def test_a_name_that_does_not_exist(broker: Broker) -> None:
    async with opened(table(broker, host="broker.invalid")) as backend:
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE
        assert "the name is not known" in str(error)


async def test_a_name_that_cannot_exist(broker: Broker) -> None:
    async with opened(table(broker, host="broker..example")) as backend:
        error = await failure(backend)
        assert error.reason is Reason.MISCONFIGURED
        assert "`host`" in str(error)


async def test_an_authority_that_is_none(broker: Broker) -> None:
    wrong = broker.certificates.path("extensions")
    async with opened(table(broker, ca_file=wrong)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.MISCONFIGURED
        assert "`ca_file`" in str(error)


async def test_tls_where_there_is_none(broker: Broker) -> None:
    async with opened(table(broker, port=broker.plain)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE


async def test_no_tls_where_it_is_wanted(broker: Broker) -> None:
    async with opened(table(broker, tls=False)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE
        assert "`tls`" in str(error)


async def test_a_client_certificate_is_demanded(broker: Broker) -> None:
    async with opened(table(broker, port=broker.certified)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE
        assert "client certificate" in str(error)
    certificate = {
        "client_cert": broker.certificates.path("client.crt"),
        "client_key": broker.certificates.path("client.key"),
    }
    settings = table(broker, port=broker.certified, username=None, password=None, **certificate)
    async with opened(settings) as backend, reader(broker) as client:
        await backend.create(document())
        await next_from(client)


async def test_a_client_certificate_that_is_none(broker: Broker) -> None:
    wrong = broker.certificates.path("extensions")
    async with opened(table(broker, client_cert=wrong)) as backend:
        error = await failure(backend)
        assert error.reason is Reason.MISCONFIGURED
        assert "`client_cert`" in str(error)


async def test_a_draft_that_is_too_large(certificates: Certificates, tmp_path: Path) -> None:
    small = Broker.prepare(tmp_path, certificates, "max_packet_size 2000\n")
    small.start()
    try:
        async with opened(table(small)) as backend, reader(small):
            error = await failure(backend, document(data=b'"' + b"x" * 3000 + b'"'))
            assert error.reason is Reason.REJECTED
            assert "more than the broker takes (2000)" in str(error)
            await backend.create(document())
    finally:
        small.stop()


# -- the broker goes ---------------------------------------------------------------------------


async def test_a_broker_that_is_killed_in_mid_delivery_and_comes_again(own_broker: Broker) -> None:
    async with opened(table(own_broker)) as backend:
        async with reader(own_broker):
            await backend.create(document())
        own_broker.signal(signal.SIGSTOP)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(failure(backend))
            await asyncio.sleep(0)  # it is on its way
            own_broker.kill()
        assert sending.result().reason is Reason.CUT_OFF
        error = await failure(backend)
        assert error.reason is Reason.UNREACHABLE
        own_broker.start()
        async with reader(own_broker) as client:
            await delivered(backend, document(revision=2))
            message = await next_from(client)
            assert isinstance(message.payload, bytes)
            assert orjson.loads(message.payload)["revision"] == 2


async def test_a_broker_that_does_not_answer(own_broker: Broker) -> None:
    async with opened(table(own_broker, timeout_seconds=0.3)) as backend, reader(own_broker):
        await backend.create(document())
        own_broker.signal(signal.SIGSTOP)
        assert (await failure(backend)).reason is Reason.TIMEOUT
        await backend.close()  # ends, though nobody answers
        own_broker.signal(signal.SIGCONT)


@pytest.mark.parametrize("tls", [False, True])
async def test_somebody_who_takes_connections_and_is_silent(broker: Broker, tls: bool) -> None:
    ended = 0

    async def hold(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        nonlocal ended
        await reading.read()
        ended += 1
        writing.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = table(broker, port=port, tls=tls, timeout_seconds=0.3, host="127.0.0.1")
        async with opened(settings) as backend:
            error = await failure(backend)
            assert error.reason is Reason.UNREACHABLE
            assert "within" in str(error)
        await until(lambda: ended > 0)


class Ended(asyncio.Protocol):
    def __init__(self) -> None:
        self.event = asyncio.Event()

    def connection_lost(self, _: Exception | None) -> None:
        self.event.set()


async def test_close_while_a_thread_connects_that_nobody_can_interrupt(broker: Broker) -> None:
    """What becomes of it later is closed at once, before anything was said."""
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = broker.certificates.path("broker.crt")
    context.load_cert_chain(certificate, broker.certificates.path("broker.key"))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    with listener:
        port = listener.getsockname()[1]
        async with (
            asyncio.timeout(DEADLINE_SECONDS),
            opened(table(broker, port=port, host="127.0.0.1")) as backend,
        ):
            async with asyncio.TaskGroup() as tasks:
                asked = tasks.create_task(failure(backend))
                client, _ = await loop.sock_accept(listener)
                await backend.close()  # its patience ends before that of the handshake
            assert asked.result().reason is Reason.UNREACHABLE
            ended = Ended()
            await loop.connect_accepted_socket(lambda: ended, client, ssl=context)
            await ended.event.wait()


async def test_an_answer_that_is_no_mqtt(broker: Broker) -> None:
    async def babble(_: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        writing.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
        await writing.drain()
        writing.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = table(broker, port=port, tls=False, host="127.0.0.1", timeout_seconds=0.5)
        async with opened(settings) as backend:
            assert (await failure(backend)).reason is Reason.UNREACHABLE


async def test_nothing_is_opened_before_it_is_needed(broker: Broker) -> None:
    async with opened(table(broker)) as backend:
        await backend.close()


async def test_nothing_is_delivered_after_close(broker: Broker) -> None:
    async with reader(broker), opened(table(broker)) as backend:
        await backend.create(document())
        await backend.close()
        assert (await failure(backend)).reason is Reason.UNREACHABLE


@pytest.mark.long
async def test_a_broker_that_hangs_is_noticed(own_broker: Broker) -> None:
    """By keepalive, though nothing is sent: it takes twice 20 seconds."""
    with capture_logs() as lines:
        async with opened(table(own_broker)) as backend, reader(own_broker):
            await backend.create(document())
            own_broker.signal(signal.SIGSTOP)
            await until(lambda: "mqtt_down" in {line["event"] for line in lines}, 90)
            assert (await failure(backend)).reason is Reason.UNREACHABLE
            own_broker.signal(signal.SIGCONT)
            await delivered(backend, document(revision=2))
