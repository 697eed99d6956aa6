"""What Alertmanager is sent, and what has to be sent again: no server needed."""

from dataclasses import replace
from typing import Any

import pytest

from ctid.domain.alerts import Alert, AnswerRate, Kind, State
from ctid.outbound.pages.alertmanager_forms import Form, Words, form, labels_of, last_of_each
from ctid.outbound.pages.alertmanager_keeper import RESOLVED_SECONDS, Keeping
from ctid.outbound.pages.kinds import KINDS, Origin
from tests.paged import (
    ENDED,
    FIRED,
    acknowledged,
    alert,
    firing,
    incident,
    only_warned,
    resolved,
    warned,
)

DESK = Origin("desk", {"network": "Networks"}, "https://ctid.example.org/")
WORDS = Words("title", "whole\ntext")


def sent(shown: Alert, origin: Origin = DESK) -> dict[str, Any]:
    return form(shown, WORDS, origin).document()


def test_an_alert_that_fires() -> None:
    assert sent(alert()) == {
        "labels": {
            "alertname": "CtidLineUnanswered",
            "kind": "unanswered",
            "line": "network",
            "severity": "critical",
            "site": "desk",
            "specialty": "Networks",
        },
        "annotations": {"summary": "title", "description": "whole\ntext", "alert": "7"},
        "startsAt": "2026-11-27T01:15:00.000+00:00",
        "generatorURL": "https://ctid.example.org/",
    }


def test_what_is_not_known_is_left_out() -> None:
    bare = sent(alert(line=None), Origin("desk"))
    assert set(bare["labels"]) == {"alertname", "kind", "severity", "site"}
    assert "generatorURL" not in bare
    assert "endsAt" not in bare


@pytest.mark.parametrize("state", [firing, acknowledged, resolved])
def test_labels_and_begin_stay_from_firing_to_the_end(state: State) -> None:
    later = sent(replace(alert(state=state), pages=9))
    assert later["labels"] == sent(alert())["labels"]
    assert later["startsAt"] == sent(alert())["startsAt"]


def test_the_end_and_who_takes_care() -> None:
    assert sent(alert(state=resolved))["endsAt"] == "2026-11-27T01:20:00.000+00:00"
    assert sent(alert(state=resolved))["annotations"]["resolved"] == "answered"
    assert sent(alert(state=acknowledged))["annotations"]["acknowledged_by"] == "Li Lei"


def test_none_ends_before_it_begins() -> None:
    document = sent(alert(state=replace(resolved, at=FIRED - 60)))
    assert document["endsAt"] == document["startsAt"]


@pytest.mark.parametrize("state", [warned, only_warned])
def test_a_warning_is_an_alert_of_its_own(state: State) -> None:
    labels = sent(alert(state=state))["labels"]
    assert labels == {**sent(alert())["labels"], "severity": "warning"}


def test_several_of_one_kind_on_one_line_are_several_there() -> None:
    two = [labels_of(incident(number), DESK) for number in (7, 8)]
    assert [dict(labels)["alert"] for labels in two] == ["7", "8"]
    rates = [
        alert(kind=Kind.ANSWER_RATE, about=about, subject=AnswerRate(about, 1, 2, 0.75))
        for about in ("day", "month")
    ]
    assert [dict(labels_of(rate, DESK))["period"] for rate in rates] == ["day", "month"]


def test_every_kind_has_its_own_name() -> None:
    assert set(KINDS) == set(Kind)
    assert len({kind.alertname for kind in KINDS.values()}) == len(Kind)
    for kind in Kind:
        labels = dict(labels_of(alert(kind=kind), DESK))
        assert not any(
            value.replace(".", "").isdigit() for key, value in labels.items() if key != "alert"
        )


def test_the_last_of_each_is_sent() -> None:
    first, last = form(alert(), WORDS, DESK), form(alert(state=resolved), WORDS, DESK)
    other = form(alert(line="server"), WORDS, DESK)
    assert last_of_each([first, other, last]) == [last, other]


# what the keeper sends

NOW = FIRED + 10


def forms(*alerts: Alert) -> list[Form]:
    return [form(each, WORDS, DESK) for each in alerts]


def shown(sent_now: list[Form]) -> list[tuple[str, str | None, float | None]]:
    """Name, severity and end of all but the watchdog, which has to be the first."""
    first, *others = sent_now
    assert dict(first.labels) == {"alertname": "CtidWatchdog", "severity": "none", "site": "desk"}
    assert (first.starts_at, first.ends_at) == (1000.0, None)
    return [
        (dict(each.labels)["alertname"], dict(each.labels)["severity"], each.ends_at)
        for each in others
    ]


CRITICAL = ("CtidLineUnanswered", "critical")
WARNING = ("CtidLineUnanswered", "warning")


def test_without_alerts_the_watchdog_is_all() -> None:
    assert shown(Keeping(DESK, 1000.0).due([], NOW)) == []


def test_what_is_open_is_sent_each_time() -> None:
    keeping = Keeping(DESK, 1000.0)
    for _ in range(3):
        assert shown(keeping.due(forms(alert()), NOW)) == [(*CRITICAL, None)]


def test_what_is_gone_has_ended_and_is_said_for_five_minutes() -> None:
    keeping = Keeping(DESK, 1000.0)
    keeping.due(forms(alert()), NOW)
    for passed in (60.0, 61.0, 60.0 + RESOLVED_SECONDS):
        assert shown(keeping.due([], NOW + passed)) == [(*CRITICAL, NOW + 60)]
    assert shown(keeping.due([], NOW + 61 + RESOLVED_SECONDS)) == []


def test_an_end_that_is_told_counts() -> None:
    keeping = Keeping(DESK, 1000.0)
    keeping.due(forms(alert()), NOW)
    assert shown(keeping.due(forms(alert(state=resolved)), ENDED + 5)) == [(*CRITICAL, ENDED)]
    assert shown(keeping.due(forms(alert(state=resolved)), ENDED + 301)) == []
    assert shown(keeping.due([], ENDED + 302)) == []


def test_an_end_from_before_the_start_is_told_too() -> None:
    assert shown(Keeping(DESK, 1000.0).due(forms(alert(state=resolved)), ENDED + 5)) == [
        (*CRITICAL, ENDED)
    ]


def test_the_warning_ends_when_the_alert_fires() -> None:
    keeping = Keeping(DESK, 1000.0)
    assert shown(keeping.due(forms(alert(state=warned)), NOW)) == [(*WARNING, None)]
    assert shown(keeping.due(forms(alert()), NOW + 60)) == [(*CRITICAL, None), (*WARNING, NOW + 60)]


def test_what_fires_again_is_not_ended_by_its_past() -> None:
    keeping = Keeping(DESK, 1000.0)
    keeping.due(forms(alert(7)), NOW)
    assert shown(keeping.due(forms(alert(7, resolved)), ENDED)) == [(*CRITICAL, ENDED)]
    again = alert(8, replace(firing, at=ENDED + 10))
    for current in ([again], [alert(7, resolved), again], [again, alert(7, resolved)]):
        assert shown(keeping.due(forms(*current), ENDED + 20)) == [(*CRITICAL, None)]
