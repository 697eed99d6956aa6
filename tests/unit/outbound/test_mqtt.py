"""Topics, answers, pauses and reasons: what needs no broker."""

import asyncio
import re
from pathlib import Path

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ctid.outbound.mqtt import topics
from ctid.outbound.mqtt.acks import Acks
from ctid.outbound.mqtt.connection import Pauses
from ctid.outbound.mqtt.reasons import lost, not_connected, refused_publish
from ctid.outbound.port import Reason, Remote

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/mqtt.md").read_text()
ROW = re.compile(
    r"^\| `(ctid/SITE/[^`]+)` \| (\w[\w ]*) \| ([^|]+) \| (\d) \| (yes|no) \|$", re.MULTILINE
)


def test_the_page_has_the_topics_that_the_code_has() -> None:
    told = [
        (path, writer == "ctid", int(qos), retained == "yes")
        for path, writer, _, qos, retained in ROW.findall(PAGE)
    ]
    assert told == [
        (f"ctid/SITE/{topic.levels}", topic.by_ctid, topics.QOS, topic.retained)
        for topic in topics.ALL
    ]


def test_the_page_encodes_a_key_as_the_code_does() -> None:
    key, encoded = re.findall(r"^(ctid:\S+)\n +becomes +(ctid:\S+)$", PAGE, re.MULTILINE)[0]
    assert topics.encoded(key) == encoded
    assert encoded != key


def test_the_acl_names_topics_that_there_are() -> None:
    acl = (ROOT / "config/mosquitto/ctid.acl").read_text()
    named = re.findall(r"^topic \w+ (\S+)$", acl, re.MULTILINE)
    there_are = {topic.at("ctid") for topic in topics.ALL if topic is not topics.ACK}
    there_are |= {topics.all_acks("ctid"), topics.all_states("ctid")}
    assert {name if name in there_are else name.removesuffix("/#") for name in named} <= there_are
    assert len(named) == 18


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_key_is_one_level_and_comes_back(key: str) -> None:
    topic = topics.ACK.at("lab", key)
    assert topic.isascii()
    assert topic.count("/") == 4
    assert not set(topic) & set("+#\0")
    assert topics.key_of(topic) == key


def test_a_usual_key_stays_readable() -> None:
    key = "ctid:lab:1700000000.17:network"
    assert topics.ACK.at("lab", key) == f"ctid/lab/ticket/ack/{key}"


def test_the_oldest_answers_are_forgotten() -> None:
    acks = Acks(most=2)
    for key in ("a", "b", "a", "c"):
        acks.receive(key, b'{"ticket_id": "1"}')
    assert acks.known("b") is None
    assert acks.known("a") == acks.known("c") == Remote("1")


async def test_the_newest_answer_counts_and_a_second_one_disturbs_nobody() -> None:
    acks = Acks()
    with acks.awaited("k") as answer:
        acks.receive("k", b'{"ticket_id": "1", "url": null}')
        acks.receive("k", b'{"ticket_id": "2"}')
        assert await answer == Remote("1")
    acks.receive("k", b'{"ticket_id": "3"}')
    assert acks.known("k") == Remote("3")


async def test_who_waits_again_hears_only_what_comes_from_then_on() -> None:
    acks = Acks()
    acks.receive("k", b'{"ticket_id": "1"}')
    with acks.awaited("k") as answer:
        await asyncio.sleep(0)
        assert not answer.done()


def test_pauses_grow_to_a_limit() -> None:
    pauses = Pauses(first=1.0, longest=60.0)
    whole = [pauses.after(failures, 0.0) for failures in (1, 2, 3, 6, 7, 5000)]
    assert whole == [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]
    assert pauses.after(3, 1.0) == 2.0


def code(kind: int, value: int) -> ReasonCode:
    return ReasonCode(kind, identifier=value)


@pytest.mark.parametrize(
    ("value", "expected", "words"),
    [
        (0x80, Reason.UNREACHABLE, "closed the connection without an answer"),
        (0x84, Reason.MISCONFIGURED, "does not speak MQTT 5"),
        (0x85, Reason.MISCONFIGURED, "client id"),
        (0x86, Reason.DENIED, "password"),
        (0x87, Reason.DENIED, "password"),
        (0x88, Reason.BUSY, "Server unavailable"),
        (0x8A, Reason.DENIED, "banned"),
        (0x9D, Reason.UNREACHABLE, "Server moved"),
        (0x9F, Reason.BUSY, "Connection rate exceeded"),
    ],
)
def test_why_a_broker_does_not_let_in(value: int, expected: Reason, words: str) -> None:
    error = not_connected(aiomqtt.MqttCodeError(code(PacketTypes.CONNACK, value)), "broker:1")
    assert error.reason is expected
    assert str(error).startswith("broker:1: ")
    assert words in str(error)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0x00, None),
        (0x10, Reason.MISCONFIGURED),
        (0x80, Reason.SERVER_ERROR),
        (0x83, Reason.SERVER_ERROR),
        (0x87, Reason.DENIED),
        (0x90, Reason.MISCONFIGURED),
        (0x97, Reason.BUSY),
        (0x99, Reason.REJECTED),
    ],
)
def test_what_an_acknowledgement_means(value: int, expected: Reason | None) -> None:
    error = refused_publish(code(PacketTypes.PUBACK, value), "ctid/lab/ticket/draft", "broker:1")
    assert (error.reason if error is not None else None) is expected


def test_a_second_ctid_of_the_same_name_is_named_as_the_reason() -> None:
    taken_over = aiomqtt.MqttCodeError(code(PacketTypes.DISCONNECT, 0x8E))
    assert lost(taken_over) == "another ctid with the same `site` and `name` has connected"
    shutting_down = aiomqtt.MqttCodeError(code(PacketTypes.DISCONNECT, 0x8B))
    assert lost(shutting_down) == "Server shutting down"
    assert lost(None) == lost(ValueError()) == "the connection broke"
