"""What to do first: derived from who could answer a line, and from whose phones rang in vain."""

from collections.abc import Iterable, Sequence

from ctid.domain.alerts import Advice
from ctid.domain.presence import PhoneState, Presence, Seat
from ctid.domain.records import Ring, RingResult

# Of an offer that nobody answered: the phone rang and was not picked up. None: it still rings;
# cancelled: the caller left before.
_IN_VAIN = frozenset({RingResult.NO_ANSWER, RingResult.REJECTED, RingResult.CANCELLED, None})


def advise(
    presence: Presence | None, rings: Sequence[Ring]
) -> tuple[tuple[Advice, ...], tuple[str, ...]]:
    """What to do, the first thing first, and the names of the agents whom that one is about.

    `rings` are those of the offers that wait or were missed. `presence` None: the PBX could not be
    asked; then only what was seen counts. What comes second or later holds for some agents only.
    """
    rang = _names(ring.agent for ring in rings if _in_vain(ring))
    in_vain = [(Advice.RANG_NOT_PICKED_UP, rang)] if rang else []
    if presence is None:
        return _ordered(in_vain)
    there = [seat for seat in presence.seats if seat.logged_in]
    if not there:
        return _ordered([(Advice.NOBODY_LOGGED_IN, _of(presence.seats)), *in_vain])
    unplugged = [seat for seat in there if seat.phone is PhoneState.UNREGISTERED]
    reachable = [seat for seat in there if seat.phone is not PhoneState.UNREGISTERED]
    paused = [seat for seat in reachable if seat.paused]
    talking = [s for s in reachable if not s.paused and s.phone is PhoneState.TALKING]
    # In this order where they are as many: a pause is ended with one key.
    groups = [(Advice.ALL_PAUSED, paused), (Advice.NO_PHONE_REGISTERED, unplugged)]
    if len(reachable) == len(paused) + len(talking):
        groups.append((Advice.ALL_TALKING, talking))
        groups.sort(key=lambda group: -len(group[1]))
        return _ordered([*_told(groups), *in_vain])
    # Somebody is free: either they do not pick up, or nobody knows why no phone rings.
    return _ordered([*(in_vain or [(Advice.UNKNOWN, ())]), *_told(groups)])


def _in_vain(ring: Ring) -> bool:
    return ring.rang_at is not None and ring.result in _IN_VAIN


def _told(
    groups: Iterable[tuple[Advice, list[Seat]]],
) -> list[tuple[Advice, tuple[str, ...]]]:
    return [(advice, _of(seats)) for advice, seats in groups if seats]


def _ordered(
    found: Sequence[tuple[Advice, tuple[str, ...]]],
) -> tuple[tuple[Advice, ...], tuple[str, ...]]:
    if not found:
        return (Advice.UNKNOWN,), ()
    return tuple(advice for advice, _ in found), found[0][1]


def _of(seats: Iterable[Seat]) -> tuple[str, ...]:
    return _names(seat.name or seat.interface for seat in seats)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
