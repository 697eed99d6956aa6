"""What PagerDuty is sent for each page."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.alerts import Kind, PageEvent, State
from ctid.outbound.pages.kinds import Origin
from ctid.outbound.pages.pagerduty_events import (
    LONGEST_BODY,
    LONGEST_KEY,
    LONGEST_SUMMARY,
    dedup_key,
    events,
)
from ctid.outbound.pages.port import Message
from tests.paged import about, acknowledged, alert, firing, message, page, resolved, warned

DESK = Origin("desk", {"network": "Networks"}, "https://ctid.example.org/")


def sent(told: Message, origin: Origin = DESK) -> list[dict[str, Any]]:
    return [orjson.loads(orjson.dumps(event)) for event in events(told, origin)]


def short(event: Mapping[str, Any]) -> tuple[str, str]:
    return event["event_action"], event["dedup_key"]


def test_a_trigger() -> None:
    links = (("Acknowledge", "https://ctid.example.org/a/7"),)
    first, _ = sent(about(alert(), links=links))
    assert first == {
        "event_action": "trigger",
        "dedup_key": "ctid:desk:7",
        "client": "ctid",
        "client_url": "https://ctid.example.org/",
        "links": [{"href": "https://ctid.example.org/a/7", "text": "Acknowledge"}],
        "payload": {
            "summary": "network: nobody answers",
            "source": "desk",
            "severity": "critical",
            "timestamp": "2026-11-27T01:15:00.000+00:00",
            "component": "network",
            "group": "Networks",
            "class": "unanswered",
            "custom_details": {
                "alert": 7,
                "kind": "unanswered",
                "event": "firing",
                "text": "Since 12:00 nobody has answered.\nFirst: no phone registered.",
                "page": {"pages": ["7-0"]},
            },
        },
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (warned, [("trigger", "ctid:desk:7:warning")]),
        (firing, [("trigger", "ctid:desk:7"), ("resolve", "ctid:desk:7:warning")]),
        (acknowledged, [("acknowledge", "ctid:desk:7"), ("acknowledge", "ctid:desk:7:warning")]),
        (resolved, [("resolve", "ctid:desk:7"), ("resolve", "ctid:desk:7:warning")]),
    ],
)
def test_what_each_page_does(state: State, expected: list[tuple[str, str]]) -> None:
    assert [short(event) for event in sent(about(alert(state=state)))] == expected


def test_a_repeat_triggers_once_more() -> None:
    again = message(page(alert(), 3, PageEvent.REPEAT))
    assert [short(event) for event in sent(again)] == [("trigger", "ctid:desk:7")]


def test_what_ends_needs_no_payload() -> None:
    for event in sent(about(alert(state=resolved))):
        assert set(event) == {"event_action", "dedup_key"}


@pytest.mark.parametrize(
    ("kind", "state", "severity"),
    [
        (Kind.UNANSWERED, warned, "warning"),
        (Kind.BLIND, firing, "critical"),
        (Kind.ANSWER_RATE, firing, "warning"),
        (Kind.TEST, firing, "info"),
    ],
)
def test_how_bad_it_is(kind: Kind, state: State, severity: str) -> None:
    assert sent(about(alert(kind=kind, state=state)))[0]["payload"]["severity"] == severity


def test_what_is_over_once_it_is_sent_stays_open_nowhere() -> None:
    weekly = sent(message(page(alert(kind=Kind.TEST, state=resolved), 0, PageEvent.FIRING)))
    assert [short(event) for event in weekly if not event["dedup_key"].endswith("warning")] == [
        ("trigger", "ctid:desk:7"),
        ("resolve", "ctid:desk:7"),
    ]


def test_a_digest_is_an_event_for_each_alert_in_order() -> None:
    told = message(
        page(alert(8, line="server"), 0),
        page(alert(7, resolved), 1),
        page(alert(7), 0),
        title="2 alerts",
    )
    found = sent(told)
    assert [short(event) for event in found if not event["dedup_key"].endswith("warning")] == [
        ("trigger", "ctid:desk:7"),
        ("resolve", "ctid:desk:7"),
        ("trigger", "ctid:desk:8"),
    ]
    assert found[4]["payload"]["summary"] == "server: nobody answers"
    assert "page" not in found[4]["payload"]["custom_details"]


def test_without_a_line_there_is_no_component() -> None:
    payload = sent(about(alert(line=None)), Origin("desk"))[0]["payload"]
    assert not {"component", "group"} & set(payload)


@given(st.text(max_size=3000), st.text(st.characters(exclude_categories=["Cs"]), max_size=50_000))
def test_all_is_within_the_limits(title: str, text: str) -> None:
    data = orjson.dumps("x" * (LONGEST_BODY - 2))
    event = sent(about(alert(), title=title, text=text, data=data))[0]
    assert len(event["payload"]["summary"]) <= LONGEST_SUMMARY
    assert event["payload"]["summary"].isprintable()
    assert len(orjson.dumps(event)) < LONGEST_BODY - 1000


def test_a_key_keeps_its_number() -> None:
    key = dedup_key("s" * 300, alert(123), warning=True)
    assert len(key) == LONGEST_KEY
    assert key.endswith(":123:warning")
