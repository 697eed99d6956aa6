"""A mirror of the PBX: which channels there are, in which bridges, and who is connected with whom.

Nothing here knows what a call or a line is. Local channels are paired by their names (the same name
with `;1` and `;2`), because the events that pair them are not always seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

DOWN, RING, RINGING, UP = 0, 4, 5, 6

# What Asterisk says that a channel runs which it has dialled itself.
DIALLED_APPS = frozenset({"AppDial", "AppDial2", "AppQueue"})

# In these nobody talks with anybody: parking, agent pools, music on hold.
_HOLDING = "holding_bridge"


@dataclass(slots=True)
class Leg:
    """One channel.

    `number` is its own caller number when it was first seen (later Asterisk rewrites it).
    `dialled`: the PBX called it, as opposed to a channel that called the PBX. `outside`: its
    endpoint is a trunk. `call` is the uniqueid of the call it belongs to, or empty.
    """

    uniqueid: str
    name: str
    linkedid: str
    state: int
    number: str
    caller_name: str
    context: str
    exten: str
    created_at: float
    dialled: bool
    outside: bool
    local: bool
    agent: str = ""
    call: str = ""
    bridge: str = ""
    technology: str = ""
    held: bool = False
    asked_to_hang_up_at: float | None = None


class Mirror:
    """All channels of one PBX."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self._locals: dict[str, Leg] = {}
        self._bridges: dict[str, dict[str, Leg]] = {}

    def add(self, leg: Leg) -> None:
        self.legs[leg.uniqueid] = leg
        if leg.local:
            self._locals[leg.name] = leg
        if leg.bridge:
            self._bridges.setdefault(leg.bridge, {})[leg.uniqueid] = leg

    def remove(self, leg: Leg) -> None:
        self.leave(leg)
        self.legs.pop(leg.uniqueid, None)
        if leg.local and self._locals.get(leg.name) is leg:
            del self._locals[leg.name]

    def enter(self, leg: Leg, bridge: str, technology: str) -> None:
        if leg.bridge != bridge:
            self.leave(leg)
        leg.bridge = bridge
        leg.technology = technology or leg.technology
        self._bridges.setdefault(bridge, {})[leg.uniqueid] = leg

    def leave(self, leg: Leg) -> None:
        members = self._bridges.get(leg.bridge)
        if members is not None:
            members.pop(leg.uniqueid, None)
            if not members:
                del self._bridges[leg.bridge]
        leg.bridge = ""
        leg.technology = ""

    def other_half(self, leg: Leg) -> Leg | None:
        """The other end of a Local channel."""
        end = ";2" if leg.name.endswith(";1") else ";1"
        return self._locals.get(leg.name[:-2] + end)

    def connected(self, leg: Leg) -> Iterator[Leg]:
        """Every channel that hears `leg`, itself left out: over bridges and through Local pairs."""
        seen = {leg.uniqueid}
        waiting = [leg]
        while waiting:
            here = waiting.pop()
            if here.bridge and here.technology != _HOLDING:
                for other in tuple(self._bridges.get(here.bridge, {}).values()):
                    if other.uniqueid not in seen:
                        seen.add(other.uniqueid)
                        yield other
                        if other.local:
                            waiting.append(other)
            if here.local:
                half = self.other_half(here)
                if half is not None and half.uniqueid not in seen:
                    seen.add(half.uniqueid)
                    waiting.append(half)

    def bridge_mates(self, leg: Leg) -> tuple[Leg, ...]:
        """The channels in the same bridge, whatever its technology; itself left out."""
        members = self._bridges.get(leg.bridge) if leg.bridge else None
        if not members:
            return ()
        return tuple(other for other in members.values() if other is not leg)
