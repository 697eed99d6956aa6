"""Lines and alerts at the real Mosquitto: states that are true, commands of those who may."""

import asyncio
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.client import Client
from ctid.outbound.mqtt.commands import Action
from ctid.outbound.mqtt.reasons import NO_SUBSCRIBERS
from ctid.outbound.mqtt.states import Standing, documents
from tests.integration.mqtt.alerting import (
    COMMAND,
    RESULT,
    Desk,
    alerting,
    ask,
    channel_table,
    heard,
    kept,
    line,
    until_kept,
    until_up,
)
from tests.integration.mqtt.backend import next_from
from tests.integration.mqtt.broker import PASSWORDS, Broker, program
from tests.integration.tickets.real.program import tell
from tests.paged import acknowledged, alert
from tests.waiting import DEADLINE_SECONDS, until

ACK = {"action": "ack", "alert": 7, "by": "Li Lei", "id": "1"}


def sent_by(broker: Broker, user: str, payload: str) -> str:
    """What Mosquitto's own client says to it."""
    path = program("mosquitto_pub")
    assert path is not None
    who = ["-h", "127.0.0.1", "-p", str(broker.plain), "-u", user, "-P", PASSWORDS[user]]
    ran = subprocess.run(
        [path, *who, "-V", "5", "-q", "1", "-t", COMMAND, "-m", payload],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return ran.stdout + ran.stderr


class Faulty(Desk):
    """The first look at what is current fails, and so does every command about alert 99."""

    def current(self) -> Standing:
        if not self.looked:
            self.looked = True
            raise RuntimeError("no such line")
        return super().current()

    async def command(self, action: Action, body: Mapping[str, Any], by: str) -> str | None:
        if body["alert"] == 99:
            raise RuntimeError("no such alert")
        return await super().command(action, body, by)

    looked = False


# states


async def test_states_come_change_and_go(own_broker: Broker) -> None:
    desk = Desk(line("network"), line("IT/网络+"))
    encoded = "line/IT%2F%E7%BD%91%E7%BB%9C%2B"
    async with own_broker.client("wall") as wall, alerting(channel_table(own_broker), desk) as ctid:
        await wall.subscribe("ctid/lab/state/alert/+", qos=1)
        found = await until_kept(own_broker, "line/network", encoded)
        assert found[encoded]["name"] == "IT/网络+"
        assert found["line/network"]["unanswered_since"] is None
        desk.lines = (line("network", unanswered_since=5.0, waiting=1, alerts=(7,)), desk.lines[1])
        desk.alerts = (alert(7),)
        ctid.changed()
        assert (await heard(wall, "ctid/lab/state/alert/7"))["state"] == "firing"
        desk.alerts = (alert(7, acknowledged),)
        ctid.changed()
        assert (await heard(wall, "ctid/lab/state/alert/7"))["by"] == "Li Lei"
        found = await until_kept(own_broker, "line/network", encoded, "alert/7")
        assert found["line/network"]["alerts"] == [7]
        desk.alerts = ()
        desk.lines = (line("network"),)
        ctid.changed()
        assert await heard(wall, "ctid/lab/state/alert/7") is None
        await until_kept(own_broker, "line/network")


async def test_what_did_not_change_is_not_published_again(own_broker: Broker) -> None:
    desk = Desk(line("network"), line("server"))
    async with own_broker.client("wall") as wall, alerting(channel_table(own_broker), desk) as ctid:
        await until_kept(own_broker, "line/network", "line/server")
        await wall.subscribe("ctid/lab/state/#", qos=1)
        assert {(await next_from(wall)).topic.value for _ in range(2)} == {
            "ctid/lab/state/line/network",
            "ctid/lab/state/line/server",
        }
        ctid.changed()
        desk.lines = (line("network"), line("server", waiting=3))
        ctid.changed()
        assert (await next_from(wall)).topic.value == "ctid/lab/state/line/server"


async def test_what_an_earlier_run_left_is_cleared(own_broker: Broker) -> None:
    before = Desk(line("network"), line("gone"), alerts=(alert(7), alert(8, line="server")))
    async with alerting(channel_table(own_broker), before):
        await until_kept(own_broker, "line/network", "line/gone", "alert/7", "alert/8")
    assert len(await kept(own_broker)) == 4
    async with alerting(channel_table(own_broker), Desk(line("network"), alerts=(alert(8),))):
        await until_kept(own_broker, "line/network", "alert/8")


async def test_a_broker_that_lost_everything_is_told_again(own_broker: Broker) -> None:
    desk = Desk(line("network"), alerts=(alert(7), alert(8)))
    async with alerting(channel_table(own_broker), desk) as ctid:
        await until_kept(own_broker, "line/network", "alert/7", "alert/8")
        own_broker.kill()
        for file in own_broker.folder.glob("mosquitto.db*"):
            file.unlink()
        desk.alerts = (alert(8),)
        ctid.changed()
        await asyncio.to_thread(own_broker.start)
        await until_kept(own_broker, "line/network", "alert/8")


async def test_what_was_over_while_the_broker_was_away_is_cleared(own_broker: Broker) -> None:
    desk = Desk(line("network"), alerts=(alert(7), alert(8)))
    async with alerting(channel_table(own_broker), desk) as ctid:
        await until_kept(own_broker, "line/network", "alert/7", "alert/8")
        await asyncio.to_thread(own_broker.stop)  # it saves what it keeps
        desk.alerts = (alert(8),)
        ctid.changed()
        await asyncio.to_thread(own_broker.start)
        await until_kept(own_broker, "line/network", "alert/8")


async def test_who_may_not_write_states_is_told_once(own_broker: Broker) -> None:
    desk = Desk(line("network"))
    with capture_logs() as lines:
        async with alerting(channel_table(own_broker, "stranger", commands=False), desk):
            await until(lambda: any(each["event"] == "mqtt_states_old" for each in lines))
            await asyncio.sleep(0.25)  # it has tried again meanwhile
    told = [each for each in lines if each["event"] == "mqtt_states_old"]
    assert len(told) == 1
    assert "ACL" in told[0]["why"]


async def test_many_lines(own_broker: Broker, request: pytest.FixtureRequest) -> None:
    desk = Desk(*(line(f"line-{number}") for number in range(300)))
    there: set[str] = set()
    async with own_broker.client("wall") as wall:
        await wall.subscribe("ctid/lab/state/#", qos=1)
        began = time.monotonic()
        async with alerting(channel_table(own_broker), desk):
            while len(there) < 300:
                there.add((await next_from(wall)).topic.value)
    tell(request, f"states of 300 lines to Mosquitto in {time.monotonic() - began:.2f} s")
    assert there == {f"ctid/lab/state/line/line-{number}" for number in range(300)}


# commands


async def test_acknowledged_by_who_may_and_refused_to_who_may_not(broker: Broker) -> None:
    desk = Desk()
    async with broker.client("desk") as person, alerting(channel_table(broker), desk) as ctid:
        await person.subscribe(RESULT, qos=1)
        await until_up(person, desk, ctid)
        refused = await asyncio.to_thread(sent_by, broker, "wall", '{"action": "ack"}')
        assert "Not authorized" in refused
        await ask(person, ACK)
        assert await heard(person, RESULT) == {"id": "1", "ok": True, "why": None}
    assert desk.done == [(Action.ACK, ACK, "Li Lei")]


async def test_what_is_refused_is_said_in_one_line_and_the_next_is_carried_out(
    broker: Broker,
) -> None:
    desk = Desk()
    async with broker.client("desk") as person, alerting(channel_table(broker), desk) as ctid:
        await person.subscribe(RESULT, qos=1)
        await until_up(person, desk, ctid)
        bad = [b"{", b"\xff\xfe", b"[]", b"7", b"[" * 5000, b"x" * 60_000, b'{"action": "shout"}']
        with capture_logs() as lines:
            for payload in bad:
                await person.publish(COMMAND, payload, qos=1)
                answer = await heard(person, RESULT)
                assert answer["ok"] is False
                assert answer["why"].isprintable()
            await ask(person, ACK | {"alert": 13, "id": "13"})
            answer = await heard(person, RESULT)
            assert answer == {"id": "13", "ok": False, "why": "there is no open alert 13"}
            await ask(person, ACK)
            assert (await heard(person, RESULT))["ok"] is True
    told = [each["so_far"] for each in lines if each["event"] == "mqtt_command_refused"]
    assert told == [1, 2, 4, 8]
    assert [action for action, _, _ in desk.done] == [Action.ACK]


async def test_a_fault_of_ctid_is_said_and_the_next_command_is_carried_out(
    own_broker: Broker,
) -> None:
    desk = Faulty(line())
    settings = channel_table(own_broker)
    with capture_logs() as logs:
        async with own_broker.client("desk") as person, alerting(settings, desk):
            await person.subscribe(RESULT, qos=1)
            await until_kept(own_broker, "line/network")
            await ask(person, {**ACK, "alert": 99})
            answer = await heard(person, RESULT)
            assert answer == {"id": "1", "ok": False, "why": "a fault of ctid: see its log"}
            await ask(person, ACK)
            assert (await heard(person, RESULT))["ok"]
    assert [entry["event"] for entry in logs].count("mqtt_fault") == 2


async def test_what_the_broker_kept_is_never_carried_out(own_broker: Broker) -> None:
    desk = Desk()
    async with own_broker.client("desk") as person:
        await person.subscribe(RESULT, qos=1)
        await ask(person, ACK, retain=True)
        async with alerting(channel_table(own_broker), desk):
            answer = await heard(person, RESULT)
            assert answer["ok"] is False
            assert "retain" in answer["why"]
            await person.publish(COMMAND, b"", qos=1, retain=True)
            await ask(person, ACK | {"id": "2"})
            assert (await heard(person, RESULT))["id"] == "2"
    assert [body["id"] for _, body, _ in desk.done] == ["2"]


async def test_by_default_there_are_no_commands(broker: Broker) -> None:
    desk = Desk()
    settings = channel_table(broker, commands=False)
    async with broker.client("desk") as person, alerting(settings, desk) as ctid:
        await until_up(person, desk, ctid)
        sender = Client(open_access(channel_table(broker, "desk"), "sender"))
        await sender.enter()
        code = await sender.publish_surely(COMMAND, orjson.dumps(ACK), DEADLINE_SECONDS)
        await sender.leave()
    assert code.value == NO_SUBSCRIBERS
    assert desk.done == []


async def test_a_flood_of_commands_ends_nothing(own_broker: Broker) -> None:
    desk = Desk()
    settings = channel_table(own_broker)
    async with own_broker.client("desk") as person, alerting(settings, desk) as ctid:
        await person.subscribe(RESULT, qos=1)
        await until_up(person, desk, ctid)
        desk.held.clear()
        for _ in range(150):
            await ask(person, ACK)
        await until(lambda: ctid.refused == 49)  # one is being carried out, 100 wait
        desk.held.set()
        for _ in range(101):
            await heard(person, RESULT)
    assert len(desk.done) == 101


def test_a_site_stands_in_every_topic() -> None:
    desk = Desk(line("network"), alerts=(alert(7),))
    assert set(documents("desk", desk.current())) == {
        "ctid/desk/state/line/network",
        "ctid/desk/state/alert/7",
    }
