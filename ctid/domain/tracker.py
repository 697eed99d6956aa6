"""The tracker: events of one PBX in, the truth about its calls out.

Pure and deterministic: no I/O, no clock (times are arguments), no randomness, and it never raises
for input. The rules are those of docs/definitions.md; each module behind the table at the end holds
one part of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ctid.domain import (
    attempts,
    connections,
    endings,
    notes,
    resync,
    rings,
    transfers,
)
from ctid.domain import events as ev
from ctid.domain.calls import Call, SavedStateError, from_json, leg_to_json, to_json
from ctid.domain.channels import Leg
from ctid.domain.lines import Directory
from ctid.domain.records import Fact, OpenCall, Record
from ctid.domain.rows import records_of
from ctid.domain.state import State


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since the last `drain`; belongs into one transaction."""

    records: tuple[Record, ...]
    facts: tuple[Fact, ...]
    open_calls: tuple[OpenCall, ...]


class Tracker:
    """Follows one PBX. `pbx` is its name, `directory` knows lines, agents and trunks."""

    def __init__(self, pbx: str, directory: Directory) -> None:
        self._state = State(pbx, directory)

    @property
    def open_calls(self) -> tuple[Call, ...]:
        """The calls in memory, for a look at what is going on now."""
        return tuple(self._state.calls.values())

    def use(self, directory: Directory) -> None:
        """Recognise lines, agents and trunks by this one from now on; what was decided stays."""
        self._state.directory = directory

    def receive(self, event: ev.Event) -> None:
        """Take one event. Its `at` is the clock: what became due before is settled first."""
        if self._state.settling:
            self.handle_timer(event.at)
        if self._state.shutting_down and not isinstance(event, ev.Detached):
            self._state.shutting_down = False
        _HANDLERS[type(event)](self._state, event)

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, Unix seconds; None: no need."""
        first = next(iter(self._state.settling.values()), None)
        return first.settle_at if first is not None else None

    def handle_timer(self, now: float) -> None:
        """Settle the calls whose last channels did not end in time."""
        settling = self._state.settling
        while settling:
            call = next(iter(settling.values()))  # they stand in the order of their time
            if call.settle_at is not None and call.settle_at > now:
                return
            endings.settle(self._state, call)

    def close(self) -> None:
        """The stream ends for good: settle what only waited for late channels."""
        resync.closed(self._state)
        for call in tuple(self._state.settling.values()):
            endings.settle(self._state, call)

    def restore(self, saved: Iterable[OpenCall]) -> list[OpenCall]:
        """Take up the calls that were open when the last daemon ended.

        Gives back those that this version cannot read; the next snapshot shows those still up.
        """
        unreadable: list[OpenCall] = []
        for row in saved:
            try:
                thing = from_json(row.state or "")
            except SavedStateError:
                unreadable.append(row)
                continue
            self._take_up(thing)
            self._state.saved.add(row.uniqueid)
        return unreadable

    def _take_up(self, thing: Call | Leg) -> None:
        state = self._state
        if isinstance(thing, Leg):
            state.mirror.add(thing)
            return
        state.calls[thing.uniqueid] = thing
        if thing.hung_up_at is not None and not thing.settled:
            state.settling[thing.uniqueid] = thing
        for leg in thing.legs.values():
            state.mirror.add(leg)

    @property
    def has_changes(self) -> bool:
        """Whether there is something to drain."""
        return bool(self._state.dirty)

    def drain(self, limit: int | None = None) -> Changes:
        """What changed since the last time, of at most `limit` calls.

        Whatever belongs to one call comes together: a record that ends a call never without the
        end of its saved state.
        """
        state = self._state
        calls = tuple(state.dirty) if limit is None else tuple(islice(state.dirty, limit))
        records: list[Record] = []
        facts: list[Fact] = []
        open_calls: list[OpenCall] = []
        for uniqueid in calls:
            thing = state.dirty.pop(uniqueid)
            records += state.finished.pop(uniqueid, ())
            facts += state.facts.pop(uniqueid, ())
            if thing is not None:
                open_calls.append(OpenCall(state.pbx, uniqueid, _saved(thing)))
                state.saved.add(uniqueid)
                if isinstance(thing, Call) and not thing.settled:
                    records += records_of(state.pbx, thing)
            elif uniqueid in state.saved:
                open_calls.append(OpenCall(state.pbx, uniqueid, None))
                state.saved.remove(uniqueid)
        return Changes(tuple(records), tuple(facts), tuple(open_calls))

    def records_of_open_calls(self) -> list[Record]:
        """How the calls stand that have not ended."""
        state = self._state
        calls = [call for call in state.calls.values() if not call.settled]
        return [record for call in calls for record in records_of(state.pbx, call)]


def _saved(thing: Call | Leg) -> str:
    return leg_to_json(thing) if isinstance(thing, Leg) else to_json(thing)


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    ev.ChannelCreated: rings.channel_created,
    ev.ChannelStateChanged: rings.state_changed,
    ev.DialBegan: rings.dial_began,
    ev.DialEnded: rings.dial_ended,
    ev.PickedUp: rings.picked_up,
    ev.QueueJoined: attempts.queue_joined,
    ev.QueueLeft: attempts.queue_left,
    ev.QueueAbandoned: attempts.queue_left,
    ev.AppStarted: attempts.app_started,
    ev.VariableSet: attempts.variable_set,
    ev.BridgeEntered: connections.entered,
    ev.BridgeLeft: connections.left,
    ev.Held: connections.held,
    ev.Unheld: connections.unheld,
    ev.BlindTransferred: transfers.blind,
    ev.AttendedTransferred: transfers.attended,
    ev.Parked: transfers.parked,
    ev.Unparked: transfers.unparked,
    ev.HangupRequested: endings.hangup_requested,
    ev.ShutdownHangup: endings.shutdown_hangup,
    ev.HungUp: endings.hung_up,
    ev.QueueMemberSeen: notes.member_seen,
    ev.UserEvent: notes.user_event,
    ev.ForgeryFound: notes.forged,
    ev.FullyBooted: resync.fully_booted,
    ev.ShutDown: resync.shut_down,
    ev.Attached: resync.attached,
    ev.Detached: resync.detached,
    ev.Snapshot: resync.snapshot,
}
