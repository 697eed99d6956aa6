"""Lost, doubled and swapped events: nothing raises, nobody is called answered who was not."""

from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctid.domain import events as ev
from ctid.domain.records import Outcome, Record
from ctid.domain.tracker import Tracker
from ctid.replay import events_of
from tests import lab, truth

NAMES = [name for name in truth.names() if name != "load"]


@cache
def stream(name: str) -> tuple[ev.Event, ...]:
    return tuple(event for path in truth.files(name) for event in events_of(path))


def play(events: list[ev.Event]) -> dict[tuple[str, str | None], Record]:
    tracker = Tracker(lab.PBX, lab.directory())
    records: list[Record] = []
    for event in events:
        tracker.receive(event)
        records += tracker.drain().records
    tracker.close()
    records += tracker.drain().records
    return {(r.uniqueid, r.line): r for r in records}


@given(data=st.data(), name=st.sampled_from(NAMES))
@settings(max_examples=300, deadline=None)
def test_nothing_raises_and_answered_means_answered(data: st.DataObject, name: str) -> None:
    check_disorder(data, name)


@pytest.mark.long
@pytest.mark.timeout(1200)
@given(data=st.data(), name=st.sampled_from(NAMES))
@settings(max_examples=20_000, deadline=None)
def test_for_long_that_nothing_raises(data: st.DataObject, name: str) -> None:
    check_disorder(data, name)


def check_disorder(data: st.DataObject, name: str) -> None:
    events = list(stream(name))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(events) - 2))
        what = data.draw(st.sampled_from(["drop", "double", "swap"]))
        if what == "drop":
            del events[at]
        elif what == "double":
            events.insert(at, events[at])
        else:
            events[at], events[at + 1] = events[at + 1], events[at]
        if len(events) < 3:
            break
    true = {call for call, record in play(list(stream(name))).items() if record.answered_at}
    answered = {call for call, _ in true}
    for (uniqueid, _), record in play(events).items():
        if record.outcome is Outcome.ANSWERED:
            assert uniqueid in answered, f"{name}: {record.because}"


@cache
def load_truth() -> dict[tuple[str, str | None], Record]:
    return play(list(stream("load")))


@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.002, 0.01, 0.03]))
@settings(max_examples=12, deadline=None)
def test_calls_that_were_not_touched_stay_exact(seed: int, share: float) -> None:
    random = Random(seed)
    events = list(stream("load"))
    touched: set[str] = set()
    damaged: list[ev.Event] = []
    for event in events:
        if random.random() >= share:
            damaged.append(event)
            continue
        touched |= calls_named(event)
        if random.random() < 0.5:
            damaged += [event, event]
    expected = {key: r for key, r in load_truth().items() if key[0] not in touched}
    got = play(damaged)
    exact = sum(got.get(key) == record for key, record in expected.items())
    assert exact >= 0.95 * len(expected)


def calls_named(event: ev.Event) -> set[str]:
    return {part.linkedid for part in event if isinstance(part, ev.Channel)}
