"""What to do first, by who could answer and whose phones rang."""

import pytest

from ctid.domain.advice import advise
from ctid.domain.alerts import Advice
from ctid.domain.presence import PhoneState, Presence, Seat
from ctid.domain.records import Ring, RingResult

# One letter for each seat: U no phone, I idle, R rings, T talks, ? not known; with p paused (its
# phone is idle), P paused without a phone, - not logged in.
STATES = {
    "U": (PhoneState.UNREGISTERED, False, True),
    "I": (PhoneState.IDLE, False, True),
    "R": (PhoneState.RINGING, False, True),
    "T": (PhoneState.TALKING, False, True),
    "?": (PhoneState.UNKNOWN, False, True),
    "p": (PhoneState.IDLE, True, True),
    "P": (PhoneState.UNREGISTERED, True, True),
    "-": (PhoneState.IDLE, False, False),
}
NO_PHONE, NOBODY = Advice.NO_PHONE_REGISTERED, Advice.NOBODY_LOGGED_IN
PAUSED, TALKING = Advice.ALL_PAUSED, Advice.ALL_TALKING
RANG, UNKNOWN = Advice.RANG_NOT_PICKED_UP, Advice.UNKNOWN


def presence(seats: str) -> Presence:
    """Agents a1, a2 ... in the states of the letters."""
    return Presence(
        "network",
        1000.0,
        tuple(
            Seat(f"PJSIP/{number}", f"a{number}", phone, paused, None, logged_in)
            for number, (phone, paused, logged_in) in enumerate(map(STATES.__getitem__, seats), 1)
        ),
    )


def ring(
    agent: str, result: RingResult | None = RingResult.NO_ANSWER, *, rang: bool = True
) -> Ring:
    return Ring(agent, f"PJSIP/{agent}-00000001", 900.0, 901.0 if rang else None, 910.0, result)


@pytest.mark.parametrize(
    ("seats", "rang", "advice", "agents"),
    [
        # one reason for all
        ("", "", (NOBODY,), ""),
        ("--", "", (NOBODY,), "a1 a2"),
        ("UU", "", (NO_PHONE,), "a1 a2"),
        ("UP", "", (NO_PHONE,), "a1 a2"),
        ("pp", "", (PAUSED,), "a1 a2"),
        ("TT", "", (TALKING,), "a1 a2"),
        ("II", "a1 a2 a1", (RANG,), "a1 a2"),
        ("RI", "a1", (RANG,), "a1"),
        ("??", "a2", (RANG,), "a2"),
        # who is not logged in does not count while others are
        ("-U", "", (NO_PHONE,), "a2"),
        ("-T", "", (TALKING,), "a2"),
        # mixtures: most agents first, and where they are as many what is mended soonest
        ("Up", "", (PAUSED, NO_PHONE), "a2"),
        ("UUp", "", (NO_PHONE, PAUSED), "a1 a2"),
        ("UT", "", (NO_PHONE, TALKING), "a1"),
        ("pT", "", (PAUSED, TALKING), "a1"),
        ("pTT", "", (TALKING, PAUSED), "a2 a3"),
        ("UpT", "", (PAUSED, NO_PHONE, TALKING), "a2"),
        # they rang before they were paused, or unplugged
        ("pp", "a1 a2", (PAUSED, RANG), "a1 a2"),
        ("UU", "a1", (NO_PHONE, RANG), "a1 a2"),
        ("", "a1", (NOBODY, RANG), ""),
        # somebody is free
        ("Ip", "a1", (RANG, PAUSED), "a1"),
        ("IU", "a1", (RANG, NO_PHONE), "a1"),
        ("IT", "a1", (RANG,), "a1"),
        ("I", "", (UNKNOWN,), ""),
        ("?", "", (UNKNOWN,), ""),
        ("Ip", "", (UNKNOWN, PAUSED), ""),
    ],
)
def test_what_to_do_first(seats: str, rang: str, advice: tuple[Advice, ...], agents: str) -> None:
    rings = [ring(agent) for agent in rang.split()]
    assert advise(presence(seats), rings) == (advice, tuple(agents.split()))


def test_a_pbx_that_could_not_be_asked_leaves_what_was_seen() -> None:
    assert advise(None, []) == ((UNKNOWN,), ())
    assert advise(None, [ring("a1")]) == ((RANG,), ("a1",))


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (ring("a1"), True),
        (ring("a1", RingResult.REJECTED), True),
        (ring("a1", RingResult.CANCELLED), True),
        (ring("a1", None), True),
        (ring("a1", RingResult.BUSY), False),
        (ring("a1", RingResult.UNAVAILABLE), False),
        (ring("a1", RingResult.FORWARDED), False),
        (ring("a1", RingResult.NO_ANSWER, rang=False), False),
    ],
)
def test_only_a_phone_that_rang_was_not_picked_up(one: Ring, counts: bool) -> None:
    assert (RANG in advise(presence("I"), [one])[0]) is counts


def test_a_seat_without_a_name_is_named_by_its_phone() -> None:
    nameless = Presence("network", 0.0, (Seat("PJSIP/101", "", PhoneState.UNREGISTERED),))
    assert advise(nameless, []) == ((NO_PHONE,), ("PJSIP/101",))
