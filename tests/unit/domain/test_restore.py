"""A daemon that dies at any event and starts again from what it saved goes on as if it had not."""

import pytest

from ctid.domain import events as ev
from ctid.domain.records import OpenCall, Outcome, Record
from ctid.domain.tracker import Tracker
from ctid.replay import events_of
from tests import lab, truth

Key = tuple[str, int]


class Daemon:
    """A tracker with a memory for what it would have committed."""

    def __init__(self) -> None:
        self.saved: dict[str, OpenCall] = {}
        self.records: dict[Key, Record] = {}
        self.tracker = Tracker(lab.PBX, lab.directory())

    def commit(self) -> None:
        changes = self.tracker.drain()
        for call in changes.open_calls:
            if call.state is None:
                self.saved.pop(call.uniqueid, None)
            else:
                self.saved[call.uniqueid] = call
        for record in changes.records:
            self.records[record.uniqueid, record.ordinal] = record

    def die_and_start(self) -> None:
        self.commit()
        self.tracker = Tracker(lab.PBX, lab.directory())
        self.tracker.restore(self.saved.values())

    def end(self) -> dict[Key, Record]:
        self.tracker.close()
        self.commit()
        return self.records


def stream(name: str) -> list[ev.Event]:
    events: list[ev.Event] = []
    for number, path in enumerate(truth.files(name)):
        part = list(events_of(path))
        if number:
            clock = max(event.at for event in events)
            events.append(ev.Detached(clock, "connection_lost"))
            part[0] = ev.Attached(clock, restarted=False)
        events += part
    return events


SMALL = [name for name in truth.names() if name != "load"]


@pytest.mark.parametrize("name", SMALL)
def test_every_prefix(name: str) -> None:
    events = stream(name)
    whole = Daemon()
    for event in events:
        whole.tracker.receive(event)
    expected = whole.end()
    for cut in range(1, len(events)):
        daemon = Daemon()
        for number, event in enumerate(events):
            if number == cut:
                daemon.die_and_start()
            daemon.tracker.receive(event)
        assert daemon.end() == expected, f"cut before event {cut}: {events[cut]}"
        assert not daemon.saved


@pytest.mark.parametrize("name", SMALL)
def test_every_prefix_then_an_empty_pbx(name: str) -> None:
    """The rest of the stream is never seen: what was answered stays so, the others are lost."""
    events = stream(name)
    whole = Daemon()
    for event in events:
        whole.tracker.receive(event)
    truths = whole.end()
    for cut in range(1, len(events)):
        daemon = Daemon()
        for event in events[:cut]:
            daemon.tracker.receive(event)
        daemon.die_and_start()
        at = events[cut - 1].at + 60.0
        daemon.tracker.receive(ev.Attached(at, restarted=False))
        daemon.tracker.receive(ev.Snapshot(at, (), {}, (), (), {}, {}))
        daemon.tracker.handle_timer(at + 60.0)
        for key, record in daemon.end().items():
            assert not record.open
            check_never_guessed(record, truths.get(key))
        assert not daemon.saved


def check_never_guessed(record: Record, true: Record | None) -> None:
    if record.line is None or record.outcome is Outcome.LOST or true is None:
        return
    assert record.outcome in (true.outcome, Outcome.OVERFLOWED, Outcome.EXCLUDED)
    if record.answered_at is not None:
        assert record._replace(open=False).answered_at == true.answered_at


def test_a_call_saved_by_another_version() -> None:
    events = stream("direct_answered")
    daemon = Daemon()
    for event in events[:8]:
        daemon.tracker.receive(event)
    daemon.commit()
    ((uniqueid, saved),) = daemon.saved.items()
    assert saved.state is not None
    newer = saved.state.replace('{"uniqueid"', '{"invented_later":1,"uniqueid"')
    older = saved.state.replace('"parked":false,', "")
    for state in (newer, older):
        tracker = Tracker(lab.PBX, lab.directory())
        assert tracker.restore([OpenCall(lab.PBX, uniqueid, state)]) == []
        assert len(tracker.open_calls) == 1
    broken = OpenCall(lab.PBX, uniqueid, '{"uniqueid": 1}')
    assert Tracker(lab.PBX, lab.directory()).restore([broken]) == [broken]
