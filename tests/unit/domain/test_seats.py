"""Who could answer a line, by what the PBXs say of their queues and phones."""

from collections.abc import Mapping

import pytest

from ctid.domain.lines import Line
from ctid.domain.presence import PhoneState, Seat
from ctid.domain.seats import Answer, Member, phones_of, presences

IDLE, TALKING = PhoneState.IDLE, PhoneState.TALKING
UNREGISTERED, UNKNOWN = PhoneState.UNREGISTERED, PhoneState.UNKNOWN
NAMES = {"PJSIP/101": "Zhang San", "102": "Li Si", "13911112222": "Wang Wu"}


def line(name: str = "network", queues: str = "", agents: tuple[str, ...] = ()) -> Line:
    return Line(
        name,
        "",
        "",
        frozenset(queues.split()),
        (),
        frozenset(),
        frozenset(agents),
        None,
        "UTC",
        0.75,
    )


def member(
    queue: str,
    interface: str,
    phone: PhoneState = IDLE,
    *,
    paused: bool = False,
    name: str = "as the PBX calls it",
) -> Member:
    return Member(queue, interface, name, phone, paused, "lunch" if paused else None)


def answer(
    *members: Member,
    queues: str = "",
    phones: Mapping[str, PhoneState] | None = None,
    at: float = 50.0,
) -> Answer:
    known = {one.queue for one in members} | set(queues.split())
    return Answer(at, frozenset(known), members, phones or {})


def seats(one: Line, *answers: Answer) -> tuple[Seat, ...] | None:
    found = presences([one], NAMES, answers).get(one.name)
    return None if found is None else found.seats


def test_members_of_its_queues_with_the_configured_names() -> None:
    one = answer(
        member("net", "PJSIP/101", TALKING),
        member("net", "hint:102@ext-local", UNREGISTERED),
        member("net", "PJSIP/103", paused=True),
        member("sap", "PJSIP/104"),
    )
    assert seats(line(queues="net"), one) == (
        Seat("PJSIP/101", "Zhang San", TALKING),
        Seat("hint:102@ext-local", "Li Si", UNREGISTERED),
        Seat("PJSIP/103", "as the PBX calls it", IDLE, True, "lunch"),
    )


def test_a_queue_without_members_is_nobody_logged_in() -> None:
    assert seats(line(queues="net"), answer(queues="net")) == ()


@pytest.mark.parametrize("answers", [(), (answer(queues="sap"),), (answer(),)])
def test_a_queue_that_no_pbx_told_of_is_not_nobody(answers: tuple[Answer, ...]) -> None:
    assert seats(line(queues="net"), *answers) is None
    assert seats(line(queues="net", agents=("Zhang San",)), *answers) is None


def test_one_member_of_two_queues_is_one_seat_that_is_paused_if_it_is_so_in_both() -> None:
    free, gone = member("a", "PJSIP/101"), member("b", "PJSIP/101", UNKNOWN, paused=True)
    wanted = (Seat("PJSIP/101", "Zhang San", IDLE),)
    assert seats(line(queues="a b"), answer(free, gone)) == wanted
    swapped = (member("a", "PJSIP/101", paused=True), member("b", "PJSIP/101"))
    assert seats(line(queues="a b"), answer(*swapped)) == wanted
    both = (member("a", "PJSIP/101", paused=True), member("b", "PJSIP/101", paused=True))
    assert seats(line(queues="a b"), answer(*both)) == (
        Seat("PJSIP/101", "Zhang San", IDLE, True, "lunch"),
    )


def test_two_pbxs_are_one_desk() -> None:
    one = answer(member("net", "PJSIP/101", UNREGISTERED), at=60.0)
    two = answer(member("net", "PJSIP/101", IDLE), member("net", "PJSIP/102"), at=50.0)
    found = presences([line(queues="net")], NAMES, [one, two])["network"]
    assert [(seat.name, seat.phone) for seat in found.seats] == [
        ("Zhang San", IDLE),
        ("Li Si", IDLE),
    ]
    assert found.asked_at == 50.0


def test_agents_that_are_in_no_queue_are_not_logged_in() -> None:
    one = answer(member("net", "PJSIP/101"))
    found = seats(line(queues="net", agents=("Zhang San", "Li Si", "PJSIP/105")), one)
    assert found is not None
    assert [(seat.name, seat.logged_in) for seat in found] == [
        ("Zhang San", True),
        ("Li Si", False),
        ("PJSIP/105", False),
    ]


def test_a_line_without_queues_dials_its_agents() -> None:
    one = line(agents=("PJSIP/101", "Li Si", "13911112222"))
    phones = {"PJSIP/101": UNREGISTERED, "SIP/102": TALKING}
    assert seats(one, answer(phones=phones)) == (
        Seat("13911112222", "Wang Wu", UNKNOWN),
        Seat("Li Si", "Li Si", TALKING),
        Seat("PJSIP/101", "Zhang San", UNREGISTERED),
    )


def test_a_line_of_phones_that_no_pbx_has_says_nothing() -> None:
    assert seats(line(agents=("13911112222",)), answer()) is None
    assert seats(line(agents=("PJSIP/101",))) is None
    assert seats(line(), answer(queues="net")) is None


def test_the_pbx_that_has_the_phone_decides() -> None:
    one = line(agents=("PJSIP/101",))
    here, there = answer(phones={}), answer(phones={"PJSIP/101": UNREGISTERED})
    assert seats(one, here, there) == (Seat("PJSIP/101", "Zhang San", UNREGISTERED),)


def test_which_phones_are_asked_for() -> None:
    lines = [
        line(agents=("PJSIP/101", "Li Si")),
        line("sap", agents=("Zhang San", "103")),
        # who is in no queue of this one is not logged in, however their phone stands
        line("queued", queues="net", agents=("PJSIP/104",)),
    ]
    assert phones_of(lines, NAMES) == (
        "PJSIP/102",
        "SIP/102",
        "PJSIP/101",
        "PJSIP/103",
        "SIP/103",
    )
