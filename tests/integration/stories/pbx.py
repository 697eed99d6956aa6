"""A PBX of stories: calls that people make and take, as its events tell of them.

Whoever calls is known by a letter. What it would list to somebody who attaches is known, too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from ctid.domain import events as ev

NAME: Final = "main"
_RING, _RINGING, _UP = 4, 5, 6


@dataclass
class _Call:
    """`legs` are the channels that exist, the caller's first; `bridge` is where they talk."""

    caller: str
    legs: list[str]
    bridge: str = ""
    names: dict[str, str] = field(default_factory=dict)


class Pbx:
    """`clock` is its own time, Unix seconds; `told` are the events that nobody has read yet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._serial = count(1)
        self._channels: dict[str, ev.Channel] = {}
        self._born: dict[str, float] = {}
        self._dids: dict[str, str] = {}
        self._calls: dict[str, _Call] = {}
        self.told: list[ev.Event] = []

    # -- what happens -----------------------------------------------------------------------------

    def call(self, name: str, did: str, number: str | None) -> None:
        """Somebody calls from outside; the PBX dials the phones of the line."""
        caller = self._new("PJSIP/trunk", _RING, number or "", "from-trunk", did)
        self._calls[name] = _Call(caller, [caller])
        self._dids[caller] = did
        self._tell(ev.ChannelCreated, self._channels[caller])
        self._dial(caller)

    def ring(self, name: str, extension: str) -> None:
        """A phone rings for the call."""
        call = self._calls[name]
        leg = self._new(f"PJSIP/{extension}", 0, extension, "internal", "s", of=call.caller)
        call.legs.append(leg)
        call.names[extension] = leg
        self._tell(ev.ChannelCreated, self._channels[leg])
        self._tell(ev.DialBegan, self._channels[call.caller], self._channels[leg], extension)
        self._tell(ev.ChannelStateChanged, self._at(leg, state=_RINGING))

    def answer(self, name: str, extension: str) -> None:
        """Somebody picks up; the other phones stop."""
        call = self._calls[name]
        leg = call.names[extension]
        for other in [one for one in call.legs[1:] if one != leg]:
            self._leg_ends(call, other, "CANCEL")
        call.bridge = f"bridge-{leg}"
        self._tell(ev.ChannelStateChanged, self._at(leg, state=_UP))
        for one in (leg, call.caller):
            self._tell(ev.BridgeEntered, self._at(one, state=_UP), call.bridge, "simple_bridge")

    def leave(self, name: str) -> None:
        """The caller hangs up."""
        call = self._calls[name]
        self._tell(ev.HangupRequested, self._channels[call.caller], 16)
        self._end(name, "CANCEL")

    def give_up(self, name: str) -> None:
        """Nobody picked up: the PBX ends the call."""
        call = self._calls[name]
        self._stop_ringing(call)
        self._end(name, "NOANSWER")

    def overflow(self, name: str, did: str) -> None:
        """Nobody picked up: the PBX tries the phones of another line."""
        call = self._calls[name]
        self._stop_ringing(call)
        self._at(call.caller, exten=did)
        self._dial(call.caller)

    def call_out(self, name: str, extension: str, number: str) -> None:
        """An agent calls somebody outside."""
        caller = self._new(f"PJSIP/{extension}", _RING, extension, "internal", number)
        self._calls[name] = call = _Call(caller, [caller])
        self._tell(ev.ChannelCreated, self._channels[caller])
        leg = self._new("PJSIP/trunk", 0, "", "from-trunk", "s", of=caller)
        call.legs.append(leg)
        call.names[number] = leg
        self._tell(ev.ChannelCreated, self._channels[leg])
        dial_string = f"{number}@trunk"
        self._tell(ev.DialBegan, self._channels[caller], self._channels[leg], dial_string)

    # -- what it lists ----------------------------------------------------------------------------

    def snapshot(self) -> ev.Snapshot:
        """What is up now."""
        now = self._clock()
        rows, bridges = [], {}
        for call in self._calls.values():
            for leg in call.legs:
                is_caller = leg == call.caller
                app = "Dial" if is_caller else "AppDial"
                dnid = self._dids.get(leg, "")
                age = float(int(now - self._born[leg]))
                rows.append(
                    ev.ListedChannel(self._channels[leg], call.bridge, app, "PJSIP/101", age, dnid)
                )
            if call.bridge:
                bridges[call.bridge] = "simple_bridge"
        started = {call.caller: self._born[call.caller] for call in self._calls.values()}
        return ev.Snapshot(now, tuple(rows), bridges, (), (), {}, started)

    def uniqueid(self, name: str) -> str:
        """What the call is known by."""
        return self._calls[name].caller

    # -- inside -----------------------------------------------------------------------------------

    def _tell(self, kind: Callable[..., ev.Event], *values: Any) -> None:
        self.told.append(kind(self._clock(), *values))

    def _new(
        self, endpoint: str, state: int, number: str, context: str, exten: str, of: str = ""
    ) -> str:
        serial = next(self._serial)
        uniqueid = f"{int(self._clock())}.{serial}"
        self._channels[uniqueid] = ev.Channel(
            f"{endpoint}-{serial:08x}", state, number, "", context, exten, uniqueid, of or uniqueid
        )
        self._born[uniqueid] = self._clock()
        return uniqueid

    def _at(self, uniqueid: str, **changes: Any) -> ev.Channel:
        self._channels[uniqueid] = self._channels[uniqueid]._replace(**changes)
        return self._channels[uniqueid]

    def _dial(self, caller: str) -> None:
        self._tell(ev.VariableSet, self._channels[caller], "DIALSTATUS", "")

    def _stop_ringing(self, call: _Call) -> None:
        for leg in call.legs[1:]:
            self._leg_ends(call, leg, "NOANSWER")
        self._tell(ev.VariableSet, self._channels[call.caller], "DIALSTATUS", "NOANSWER")

    def _leg_ends(self, call: _Call, leg: str, status: str) -> None:
        self._tell(ev.DialEnded, None, self._channels[leg], status, "")
        self._hang_up(call, leg)

    def _hang_up(self, call: _Call, leg: str) -> None:
        call.legs.remove(leg)
        self._tell(ev.HungUp, self._channels[leg], 16)

    def _end(self, name: str, status: str) -> None:
        call = self._calls.pop(name)
        for leg in call.legs[1:]:
            if call.bridge:
                self._tell(ev.BridgeLeft, self._channels[leg], call.bridge)
                self._hang_up(call, leg)
            else:
                self._leg_ends(call, leg, status)
        if call.bridge:
            self._tell(ev.BridgeLeft, self._channels[call.caller], call.bridge)
        self._hang_up(call, call.caller)
