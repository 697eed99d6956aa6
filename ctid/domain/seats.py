"""What PBXs say of their queues and phones, and who could answer each line by that.

A line lives on the PBXs that know one of its queues or phones. Where none does, or the one that
would was not heard, nothing is said of the line: no answer is not "nobody is logged in".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ctid.domain.lines import Line, member_phone
from ctid.domain.presence import PhoneState, Presence, Seat

# Technologies under which a phone is looked for of which only the extension is configured.
_TECHNOLOGIES = ("PJSIP", "SIP")
# Where two PBXs, or two queues, tell differently of one phone: what is known beats what is not.
_TELLING = (
    PhoneState.TALKING,
    PhoneState.RINGING,
    PhoneState.IDLE,
    PhoneState.UNREGISTERED,
    PhoneState.UNKNOWN,
)


class Member(NamedTuple):
    """A member of a queue at this moment; `interface` is the one that its state comes from."""

    queue: str
    interface: str
    name: str
    phone: PhoneState
    paused: bool
    pause_reason: str | None


class Answer(NamedTuple):
    """What one PBX said `at` (Unix seconds).

    `queues` are those it knows, `phones` the states of the interfaces that were asked for; one that
    is not in there does not exist on this PBX.
    """

    at: float
    queues: frozenset[str]
    members: tuple[Member, ...]
    phones: Mapping[str, PhoneState]


def phones_of(lines: Iterable[Line], names: Mapping[str, str]) -> tuple[str, ...]:
    """The interfaces whose states have to be asked for: of agents that are dialled without a queue.

    `names` maps interfaces and extensions to names of agents.
    """
    known = _Names(names)
    found = (
        interface
        for line in lines
        if not line.queues
        for agent in sorted(line.agents)
        for interface in known.interfaces(agent)
    )
    return tuple(dict.fromkeys(found))


def presences(
    lines: Iterable[Line],
    names: Mapping[str, str],
    answers: Sequence[Answer],
) -> dict[str, Presence]:
    """Who could answer each line. A line of which nothing can be said is not in there."""
    agent_names = _Names(names)
    by_queue: dict[str, list[Member]] = {}
    for answer in answers:
        for member in answer.members:
            by_queue.setdefault(member.queue, []).append(member)
    known = frozenset[str]().union(*(answer.queues for answer in answers))
    at = min((answer.at for answer in answers), default=0.0)
    found = {}
    for line in lines:
        logged_in = _logged_in(line, agent_names, by_queue)
        agents = _agents(line, agent_names, answers, logged_in)
        if line.queues & known or (not line.queues and any(_is_known(seat) for seat in agents)):
            found[line.name] = Presence(line.name, at, (*logged_in, *agents))
    return found


def _is_known(seat: Seat) -> bool:
    return seat.phone is not PhoneState.UNKNOWN


def _logged_in(
    line: Line, names: "_Names", by_queue: Mapping[str, list[Member]]
) -> tuple[Seat, ...]:
    """The members of its queues, each once: paused if they are so in all of them."""
    seats: dict[str, Seat] = {}
    for queue in sorted(line.queues):
        for member in by_queue.get(queue, ()):
            name = names.of(member.interface) or member.name
            seat = Seat(member.interface, name, member.phone, member.paused, member.pause_reason)
            before = seats.get(member.interface)
            seats[member.interface] = seat if before is None else _both(before, seat)
    return tuple(seats.values())


def _both(one: Seat, other: Seat) -> Seat:
    phone = min(one.phone, other.phone, key=_TELLING.index)
    return replace(other if one.paused else one, phone=phone)


def _agents(
    line: Line,
    names: "_Names",
    answers: Sequence[Answer],
    logged_in: Sequence[Seat],
) -> tuple[Seat, ...]:
    """The configured agents that are in none of its queues; without queues they are dialled."""
    taken = {spelling for seat in logged_in for spelling in _spellings(seat)}
    seats = []
    for agent in sorted(line.agents):
        interfaces = names.interfaces(agent)
        name = names.of(agent) or next((n for i in interfaces if (n := names.of(i))), agent)
        if taken.isdisjoint({agent, name, *interfaces}):
            told = [a.phones[i] for a in answers for i in interfaces if i in a.phones]
            phone = min(told, key=_TELLING.index, default=PhoneState.UNKNOWN)
            seats.append(Seat(agent, name, phone, logged_in=not line.queues))
    return tuple(seats)


def _spellings(seat: Seat) -> set[str]:
    phone = member_phone(seat.interface)
    return {seat.interface, seat.name, phone, *(f"{t}/{phone}" for t in _TECHNOLOGIES)}


class _Names:
    """The configured names of agents, to be looked up both ways."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._keys: dict[str, list[str]] = {}
        for key, name in names.items():
            self._keys.setdefault(name, []).append(key)

    def of(self, interface: str) -> str | None:
        """The name, by the interface or by its extension."""
        phone = member_phone(interface)
        found = (self._names.get(key) for key in (interface, phone, phone.partition("/")[2]))
        return next((name for name in found if name), None)

    def interfaces(self, agent: str) -> tuple[str, ...]:
        """What an agent of a line may be asked for as: an interface, an extension or a name."""
        return tuple(
            interface
            for key in self._keys.get(agent, [agent])
            for interface in ((key,) if "/" in key else tuple(f"{t}/{key}" for t in _TECHNOLOGIES))
        )
