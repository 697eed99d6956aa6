"""config/mosquitto/: the real broker loads the files, and they allow what they say."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ctid.outbound.mqtt.status import Statuses
from ctid.outbound.pages.mqtt import MqttPages
from ctid.outbound.port import Remote
from ctid.outbound.tickets.mqtt import Mqtt
from tests.integration.mqtt.alerting import Desk, alerting, ask, channel_table, heard, line
from tests.integration.mqtt.backend import QUICK, document, next_from, table
from tests.integration.mqtt.broker import (
    PASSWORDS,
    Broker,
    Certificates,
    as_root,
    free_ports,
    program,
    write_passwords,
)
from tests.paged import about, alert
from tests.waiting import DEADLINE_SECONDS

FILES = Path(__file__).parents[3] / "config/mosquitto"
DRAFT = "ctid/ctid/ticket/draft"
STATUS = "ctid/ctid/status"
ACK = "ctid/ctid/ticket/ack/k"
PAGE = "ctid/ctid/alert/page"
STATE = "ctid/ctid/state/line/network"
COMMAND = "ctid/ctid/alert/command"
RESULT = "ctid/ctid/alert/command/result"
WRITTEN = (
    ("tickets", ACK),
    ("desk", COMMAND),
    *(("ctid", topic) for topic in (DRAFT, STATUS, PAGE, STATE, RESULT)),
)


@pytest.fixture(scope="module")
def broker(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """As Debian starts it, with ours among what it includes; `plain` is there for the tests."""
    folder = tmp_path_factory.mktemp("operator")
    port, plain = free_ports(2)
    write_passwords(folder)
    acl = folder / "acl"
    acl.write_text((FILES / "ctid.acl").read_text())
    acl.chmod(0o600)
    for name in ("ca.crt", "broker.crt", "broker.key"):
        (folder / name).write_bytes(Path(certificates.path(name)).read_bytes())
    given = (FILES / "ctid.conf").read_text()
    assert given.count("listener 8883\n") == 1
    given = given.replace("listener 8883\n", f"listener {port} 127.0.0.1\n")
    included = folder / "conf.d"
    included.mkdir()
    (included / "ctid.conf").write_text(given.replace("/etc/mosquitto/ctid/", f"{folder}/"))
    config = folder / "mosquitto.conf"
    config.write_text(
        f"persistence true\npersistence_location {folder}/\nlog_dest stderr\n{as_root()}"
        f"include_dir {included}\n"
    )
    (included / "tests.conf").write_text(f"listener {plain} 127.0.0.1\n")
    made = Broker(folder, certificates, port, 0, plain, config)
    made.start()
    yield made
    made.stop()


async def test_drafts_go_and_answers_come(broker: Broker) -> None:
    settings = table(broker, acknowledged=True, timeout_seconds=DEADLINE_SECONDS)
    backend = Mqtt(settings, "ctid", QUICK)
    async with broker.client("tickets") as tickets:
        await tickets.subscribe(DRAFT, qos=1)
        async with asyncio.TaskGroup() as tasks:
            created = tasks.create_task(backend.create(document("k")))
            await next_from(tickets)
            await tickets.publish(ACK, orjson.dumps({"ticket_id": "1"}), qos=1)
        assert created.result() == Remote("1")
        assert [finding.ok for finding in await backend.check()] == [True] * 4
        await backend.close()
    async with asyncio.TaskGroup() as tasks, broker.client("wall") as wall:
        await wall.subscribe(STATUS, qos=1)
        statuses = Statuses(tasks, "ctid", QUICK)
        statuses.open([settings])
        assert (await next_from(wall)).payload == b"online"
        await statuses.close()
        assert (await next_from(wall)).payload == b"offline"


async def test_alerts_are_published_and_acknowledged(broker: Broker) -> None:
    desk = Desk(line("network"), alerts=(alert(7),))
    settings = channel_table(broker, timeout_seconds=DEADLINE_SECONDS)
    async with broker.client("desk") as person, alerting(settings, desk, "ctid") as ctid:
        await person.subscribe("ctid/ctid/state/alert/7", qos=1)
        assert (await heard(person, "ctid/ctid/state/alert/7"))["state"] == "firing"
        await person.subscribe(RESULT, qos=1)
        await ask(person, {"action": "ack", "alert": 7, "by": "Li Lei"}, COMMAND)
        assert (await heard(person, RESULT))["ok"] is True
        pages = MqttPages(settings, "ctid", QUICK)
        assert [finding.ok for finding in await pages.check()] == [True] * 4
        await person.subscribe(PAGE, qos=1)
        await pages.send(about(alert()))
        await pages.close()
        assert await heard(person, PAGE) == {"pages": ["7-0"]}
        desk.alerts = ()
        ctid.changed()
        assert await heard(person, "ctid/ctid/state/alert/7") is None
    assert [by for _, _, by in desk.done] == ["Li Lei"]


@pytest.mark.parametrize(
    ("user", "topic", "allowed"),
    [
        ("ctid", DRAFT, True),
        ("ctid", STATUS, True),
        ("ctid", ACK, False),
        ("ctid", "ctid/other/ticket/draft", False),
        ("ctid", PAGE, True),
        ("ctid", STATE, True),
        ("ctid", COMMAND, False),
        ("ctid", RESULT, True),
        ("tickets", ACK, True),
        ("tickets", DRAFT, False),
        ("tickets", STATUS, False),
        ("wall", STATUS, False),
        ("wall", ACK, False),
        ("wall", COMMAND, False),
        ("wall", STATE, False),
        ("tickets", COMMAND, False),
        ("desk", COMMAND, True),
        ("desk", RESULT, False),
        ("desk", STATE, False),
        ("desk", PAGE, False),
        ("stranger", DRAFT, False),
    ],
)
def test_who_may_write_what(broker: Broker, user: str, topic: str, allowed: bool) -> None:
    path = program("mosquitto_pub")
    assert path is not None
    encrypted = ["-h", "localhost", "-p", str(broker.port)]
    encrypted += ["--cafile", broker.certificates.path("ca.crt")]
    command = [path, *encrypted, "-u", user, "-P", PASSWORDS[user], "-V", "5", "-q", "1"]
    ran = subprocess.run(
        [*command, "-t", topic, "-m", "x"], capture_output=True, text=True, check=False
    )
    assert ("Not authorized" not in ran.stdout + ran.stderr) == allowed


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        ("ctid", {ACK, STATE, COMMAND}),
        ("tickets", {DRAFT, STATUS}),
        ("wall", {STATUS, STATE}),
        ("desk", {STATUS, STATE, PAGE, RESULT}),
        ("stranger", set()),
    ],
)
async def test_who_reads_what(broker: Broker, user: str, seen: set[str]) -> None:
    async with broker.client(user) as client:
        await client.subscribe("#", qos=1)
        for writer, topic in WRITTEN:
            await asyncio.to_thread(broker.publish, topic, b"x", writer)
        # a second subscription is answered after what came before it was handed over
        await client.subscribe("mark", qos=1)
        got = {(await next_from(client)).topic.value for _ in range(len(client.messages))}
    assert got == seen


def test_nobody_without_a_name(broker: Broker) -> None:
    path = program("mosquitto_pub")
    assert path is not None
    where = ["-h", "127.0.0.1", "-p", str(broker.plain)]
    ran = subprocess.run(
        [path, *where, "-t", DRAFT, "-m", "x"], capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert "not authorised" in ran.stderr
