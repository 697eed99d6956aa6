"""Why nobody is paged, where that is so."""

import pytest

from ctid.domain.alerts import Kind, Recipient, Route
from ctid.domain.escalation import Plan, Step, why_nobody
from ctid.domain.roster import Empty, Person, Role, Roster
from tests.unit.domain.watching import BEGIN, Names, person

MUTE = Person("li", "Li", ())
LEADS = Plan((Step(0.0, (Role.FIRST_LINE,)), Step(300.0, (Role.DUTY_LEAD, Role.FIRST_LINE))))


@pytest.mark.parametrize(
    ("roster", "why"),
    [
        (Empty(), "there is nobody on a roster"),
        (
            Names({Role.PROJECT_MANAGER: [person("Chen")]}),
            "nobody is on duty as first_line, duty_lead",
        ),
        (Names({Role.FIRST_LINE: [MUTE]}), "the roster has no channel for Li"),
        (Names({Role.FIRST_LINE: [MUTE], Role.DUTY_LEAD: [person("Wang")]}), None),
    ],
)
def test_nobody_is_paged(roster: Roster, why: str | None) -> None:
    said = why_nobody(LEADS, roster, Kind.UNANSWERED, "network", BEGIN)
    assert said == (None if why is None else f"{why}, and [alert] channels names none")


def test_a_channel_that_hears_of_all_is_somebody() -> None:
    told = Plan(told=(Recipient("ops", None, (Route("ops"),)),))
    assert why_nobody(told, Empty(), Kind.UNANSWERED, None, BEGIN) is None


def test_of_what_can_wait_only_the_first_step_counts() -> None:
    leads = Names({Role.DUTY_LEAD: [person("Wang")]})
    assert why_nobody(LEADS, leads, Kind.UNANSWERED, None, BEGIN) is None
    said = why_nobody(LEADS, leads, Kind.CALENDAR_ENDING, None, BEGIN)
    assert said == "nobody is on duty as first_line, and [alert] channels names none"
