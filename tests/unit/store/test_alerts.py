"""Alerts and pages come back from JSON exactly as they were."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain import alerts as told
from ctid.domain.alerts import Alert, Page, Recipient, Route, State, Subject
from ctid.store import alert_rows, alerts, schema
from ctid.store.alerts import alert_from_json, alert_to_json, page_from_json, page_to_json
from tests.alerts import AGENT, alert, page, silence

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MAYBE = st.none() | TEXT
TIME = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**31)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)


def some(of: Any, *fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(of, *fields)


CALLER = some(told.Caller, MAYBE, TIME)
CALLERS = st.lists(CALLER, max_size=2).map(tuple)
BLIND = st.lists(some(told.BlindTime, TEXT, TIME, st.none() | TIME, TEXT), max_size=2).map(tuple)
ADVICE = st.lists(st.sampled_from(told.Advice), max_size=2).map(tuple)
STATES: dict[type, st.SearchStrategy[State]] = {
    told.Warned: some(told.Warned, TIME),
    told.Firing: some(told.Firing, TIME, COUNT, TIME),
    told.Acknowledged: some(told.Acknowledged, TIME, TIME, TEXT, MAYBE),
    told.Resolved: some(
        told.Resolved, st.none() | TIME, TIME, st.sampled_from(told.Ending), MAYBE, MAYBE
    ),
}
SUBJECTS: dict[type, st.SearchStrategy[Subject]] = {
    told.Unanswered: some(
        told.Unanswered,
        *(TIME, TIME, CALLERS, CALLERS, COUNT, COUNT, st.none() | TIME, MAYBE, BLIND, ADVICE),
        TEXTS,
    ),
    told.LongestWait: some(told.LongestWait, CALLER, COUNT, ADVICE, TEXTS),
    told.Blind: some(told.Blind, BLIND, COUNT),
    told.AnswerRate: some(told.AnswerRate, TEXT, COUNT, COUNT, TIME),
    told.RosterGap: some(told.RosterGap, TEXT, TIME, TIME),
    told.CalendarEnding: some(told.CalendarEnding, TEXT, TEXT),
    told.DeliveryStuck: some(told.DeliveryStuck, TEXT, COUNT, TIME, MAYBE, st.booleans()),
    told.NotReloaded: some(told.NotReloaded, TEXT, TIME, TEXT, COUNT, st.booleans()),
    told.StoreFailing: some(told.StoreFailing, TIME, TEXT, TEXTS),
    told.Incident: some(told.Incident, TEXT, TEXT),
    told.Test: some(told.Test, TEXT),
}
ROUTES = st.lists(st.builds(Route, TEXT, MAYBE), max_size=3).map(tuple)
RECIPIENT = st.builds(Recipient, TEXT, MAYBE, ROUTES, MAYBE)
ALERT: st.SearchStrategy[Alert] = st.builds(
    Alert,
    COUNT,
    st.sampled_from(told.Kind),
    MAYBE,
    MAYBE,
    TIME,
    TIME,
    st.one_of(*STATES.values()),
    st.one_of(*SUBJECTS.values()),
    st.lists(RECIPIENT, max_size=2).map(tuple),
    COUNT,
)
PAGE: st.SearchStrategy[Page] = st.builds(
    Page,
    *(COUNT, ALERT, st.sampled_from(told.PageEvent), RECIPIENT, TIME, TIME),
    st.none() | st.tuples(TIME, TIME),
)


def test_the_strategies_know_every_state_and_subject() -> None:
    assert set(STATES) == set(get_args(State)) == set(alerts.STATES)
    assert set(SUBJECTS) == set(get_args(Subject))


@given(ALERT)
def test_an_alert_comes_back_as_it_was(made: Alert) -> None:
    found = alert_from_json(alert_to_json(made))
    assert found == made
    assert type(found.state) is type(made.state)
    assert type(found.subject) is type(made.subject)


@given(PAGE)
def test_a_page_comes_back_as_it_was(made: Page) -> None:
    found = page_from_json(page_to_json(made))
    assert found == made
    assert type(found.recipient) is Recipient
    assert all(type(route) is Route for route in found.recipient.routes)


@given(st.text())
def test_any_text_can_be_stored(text: str) -> None:
    recipient = Recipient(text, text, (Route(text, text),), text)
    subject = told.StoreFailing(1.0, text, (text,))
    made = alert(
        line=text,
        about=text,
        state=told.Resolved(None, 1.0, told.Ending.LEFT, text, text),
        subject=subject,
    )
    rows = [
        alert_rows.alert_row(made),
        alert_rows.page_row(page(alert=made, recipient=recipient)),
        alert_rows.silence_row(silence(lines=frozenset({text}), owner=text, why=text)),
    ]
    for value in (value for row in rows for value in row if isinstance(value, str)):
        assert "\0" not in value
        value.encode()


def test_what_is_no_text_is_replaced() -> None:
    bad = alert(subject=told.Unanswered(1.0, 2.0, (told.Caller("a\udc80b", 3.0),)))
    good = alert(subject=told.Unanswered(1.0, 2.0, (told.Caller("a?b", 3.0),)))
    assert alert_to_json(bad) == alert_to_json(good)


def test_fields_of_a_newer_ctid_are_left_out() -> None:
    found = json.loads(page_to_json(page()))
    found["weather"] = found["alert"]["mood"] = "fine"
    found["recipient"]["routes"][0]["speed"] = 5
    for part in ("state", "subject"):
        found["alert"][part]["new"] = {"a": 1}
    found["alert"]["subject"]["waiting"][0]["colour"] = "red"
    assert page_from_json(json.dumps(found)) == page()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no page: the document: Invalid JSON"),
        ("[]", "no page: the document: Input should be"),
        (page_to_json(page()).replace('"is":"firing"', '"is":"asleep"'), "no page: alert.state:"),
        (page_to_json(page()).replace('"is":"unanswered",', ""), "no page: alert.subject:"),
        (page_to_json(page()).replace(":900.0", ':"long"'), "seconds: Input should be a valid"),
    ],
)
def test_what_is_none_is_told_in_one_line_without_the_data(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="no page") as caught:
        page_from_json(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "13800000001" not in str(caught.value)


def test_a_row_has_the_columns_of_its_table() -> None:
    assert len(alert_rows.alert_row(alert())) == len(schema.alert.columns)
    assert len(alert_rows.page_row(page())) == len(schema.page.columns)
    assert len(alert_rows.silence_row(silence())) == len(schema.silence.columns)


def test_a_silence_comes_back_as_it_was() -> None:
    for made in (silence(), silence(lines=frozenset(), kinds=frozenset())):
        row = alert_rows.silence_row(made)
        columns = schema.silence.columns.keys()
        assert alert_rows.silence_from(dict(zip(columns, row, strict=True))) == made


def test_a_recipient_without_a_channel_has_a_row_all_the_same() -> None:
    row = alert_rows.page_row(page(recipient=AGENT._replace(routes=())))
    columns = schema.page.columns.keys()
    assert dict(zip(columns, row, strict=True))["channel"] == ""
