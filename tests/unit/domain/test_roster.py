"""Who is there: weekly plans, substitutions, and hours in which nobody is."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.alerts import RosterGap, Route
from ctid.domain.calendar import Calendar, DayKind
from ctid.domain.duty import Shift, parse, parse_shift
from ctid.domain.roster import (
    Empty,
    Person,
    Plan,
    Role,
    RosterShift,
    Substitution,
    Times,
    gaps,
)

SHANGHAI = "Asia/Shanghai"
BERLIN = "Europe/Berlin"
FESTIVAL = Calendar(
    "CN",
    {date(2026, 2, 16): DayKind.HOLIDAY, date(2026, 2, 14): DayKind.WORKDAY},
    date(2026, 12, 31),
)
PEOPLE = {id_: Person(id_, id_.title(), (Route("x"),)) for id_ in ("zhang", "li", "wang", "chen")}


def at(text: str, zone: str = SHANGHAI) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def shift(
    people: str,
    *hours: str,
    role: Role = Role.FIRST_LINE,
    lines: str = "",
    first: date | None = None,
    last: date | None = None,
) -> RosterShift:
    parsed = tuple(parse_shift(entry) for entry in hours) if hours else None
    names = frozenset(lines.split())
    return RosterShift(role, tuple(people.split()), names, parsed, first, last)


def plan(*shifts: RosterShift, subs: tuple[Substitution, ...] = ()) -> Plan:
    lines = {"berlin": Times(BERLIN), "open": Times(SHANGHAI)}
    return Plan(PEOPLE, shifts, subs, Times(SHANGHAI, FESTIVAL), lines)


def there(
    roster: Plan, local: str, line: str | None = "a", role: Role = Role.FIRST_LINE
) -> list[str]:
    return [person.id for person in roster.on_duty(role, line, at(local))]


def test_shifts_add_up_in_their_order_and_nobody_is_there_twice() -> None:
    roster = plan(
        shift("zhang li", "mon-fri 08:00-16:00"),
        shift("wang zhang", "12:00-20:00"),
        shift("chen", role=Role.DUTY_LEAD),
    )
    assert there(roster, "2026-03-02 07:59") == []
    assert there(roster, "2026-03-02 08:00") == ["zhang", "li"]
    assert there(roster, "2026-03-02 12:00") == ["zhang", "li", "wang"]
    assert there(roster, "2026-03-02 16:00") == ["wang", "zhang"]
    assert there(roster, "2026-03-02 03:00", role=Role.DUTY_LEAD) == ["chen"]
    assert there(roster, "2026-03-02 08:00", role=Role.SECOND_LINE) == []


def test_lines_have_their_own_people_zone_and_calendar() -> None:
    roster = plan(
        shift("zhang", "mon-fri 08:00-16:00", lines="a open"),
        shift("li", "mon-fri 08:00-16:00", lines="berlin"),
    )
    assert there(roster, "2026-03-02 10:00", "a") == ["zhang"]
    assert there(roster, "2026-03-02 10:00", "berlin") == []
    assert there(roster, "2026-03-02 16:00", "berlin") == ["li"]  # 09:00 there
    assert there(roster, "2026-02-16 10:00", "a") == []  # a holiday
    assert there(roster, "2026-02-16 10:00", "open") == ["zhang"]  # which this line does not have
    assert there(roster, "2026-02-14 10:00", "a") == ["zhang"]  # a Saturday that is worked
    assert there(roster, "2026-03-02 10:00", None) == ["zhang"]
    assert there(roster, "2026-03-02 15:30", None) == ["zhang", "li"]
    assert [person.id for person in roster.everyone("berlin")] == ["li"]
    assert [person.id for person in roster.everyone(None)] == ["zhang", "li"]


def test_a_shift_begins_on_no_day_before_its_first_or_after_its_last() -> None:
    night = shift("zhang", "20:00-08:00", first=date(2026, 3, 2), last=date(2026, 3, 3))
    roster = plan(night)
    assert there(roster, "2026-03-02 03:00") == []
    assert there(roster, "2026-03-02 20:00") == ["zhang"]
    assert there(roster, "2026-03-04 07:59") == ["zhang"]
    assert there(roster, "2026-03-04 20:00") == []
    always = plan(shift("zhang", last=date(2026, 3, 3)))
    assert there(always, "2026-03-03 23:59") == ["zhang"]
    assert there(always, "2026-03-04 00:00") == []


def absence(absent: str, by: str | None, begin: str, end: str) -> Substitution:
    return Substitution(absent, by, at(begin), at(end))


def test_substitutions_are_followed_to_whoever_is_there() -> None:
    roster = plan(
        shift("zhang chen"),
        subs=(
            absence("zhang", "li", "2026-03-02", "2026-03-06"),
            absence("li", "wang", "2026-03-03", "2026-03-04"),
            absence("wang", "zhang", "2026-03-03 12:00", "2026-03-04"),
            absence("zhang", None, "2026-03-05", "2026-03-06"),
        ),
    )
    assert there(roster, "2026-03-01 23:59") == ["zhang", "chen"]
    assert there(roster, "2026-03-02 00:00") == ["li", "chen"]
    assert there(roster, "2026-03-03 00:00") == ["wang", "chen"]
    assert there(roster, "2026-03-03 12:00") == ["li", "chen"]  # three have exchanged shifts
    assert there(roster, "2026-03-05 00:00") == ["chen"]  # the later row counts
    assert there(roster, "2026-03-06 00:00") == ["zhang", "chen"]
    assert [person.id for person in roster.everyone("a")] == ["zhang", "chen", "li", "wang"]


def day_off(absent: str, by: str | None, first: str, last: str = "") -> Substitution:
    return Substitution(absent, by, date.fromisoformat(first), date.fromisoformat(last or first))


def test_two_who_stand_in_for_each_other_exchange_their_shifts() -> None:
    roster = plan(
        shift("li", "08:00-20:00"),
        shift("chen", "20:00-08:00"),
        shift("wang", role=Role.DUTY_LEAD),
        subs=(
            day_off("li", "chen", "2026-03-03"),
            day_off("chen", "li", "2026-03-03"),
            day_off("wang", "li", "2026-03-03"),
        ),
    )
    assert there(roster, "2026-03-03 07:59") == ["chen"]
    assert there(roster, "2026-03-03 08:00") == ["chen"]
    assert there(roster, "2026-03-03 20:00") == ["li"]
    assert there(roster, "2026-03-04 07:59") == ["li"]
    assert there(roster, "2026-03-04 08:00") == ["li"]
    assert there(roster, "2026-03-03 08:00", role=Role.DUTY_LEAD) == ["li"]
    begin, end = at("2026-03-02"), at("2026-03-05")
    assert gaps(roster, None, SHANGHAI, [Role.FIRST_LINE], "a", begin, end) == []


def test_a_day_means_the_shifts_that_begin_on_it() -> None:
    night = shift("li", "22:00-06:00")
    roster = plan(night, subs=(day_off("li", "chen", "2026-03-03"),))
    assert there(roster, "2026-03-03 01:15") == ["li"]
    assert there(roster, "2026-03-03 22:00") == ["chen"]
    assert there(roster, "2026-03-04 01:15") == ["chen"]
    assert there(roster, "2026-03-04 22:00") == ["li"]
    two_days = plan(night, subs=(day_off("li", None, "2026-03-03", "2026-03-04"),))
    assert there(two_days, "2026-03-05 01:15") == []
    mixed = plan(
        night, subs=(Substitution("li", "chen", at("2026-03-03 23:00"), date(2026, 3, 4)),)
    )
    assert there(mixed, "2026-03-03 22:59") == ["li"]
    assert there(mixed, "2026-03-03 23:00") == ["chen"]
    assert there(mixed, "2026-03-05 05:59") == ["chen"]


def test_a_day_is_meant_in_the_zone_of_the_line() -> None:
    subs = (day_off("li", "chen", "2026-03-03"),)
    roster = plan(shift("li"), subs=subs)
    assert there(roster, "2026-03-03 00:00", "a") == ["chen"]
    assert there(roster, "2026-03-03 06:59", "berlin") == ["li"]  # the 2nd, 23:59 there
    assert there(roster, "2026-03-03 07:00", "berlin") == ["chen"]
    assert there(roster, "2026-03-04 06:59", "berlin") == ["chen"]
    assert there(roster, "2026-03-04 07:00", "berlin") == ["li"]


def test_a_substitution_may_be_limited_to_lines_a_role_or_hours() -> None:
    first, last = date(2026, 3, 3), date(2026, 3, 3)
    night = (parse_shift("00:00-06:00"),)
    roster = plan(
        shift("zhang", "08:00-20:00", lines="a open"),
        shift("zhang", "08:00-20:00", role=Role.DUTY_LEAD),
        shift("li", "20:00-08:00", lines="a berlin"),
        subs=(
            Substitution("zhang", "wang", first, last, frozenset({"a"}), Role.FIRST_LINE),
            Substitution("li", "chen", first, last, hours=night),
        ),
    )
    assert there(roster, "2026-03-03 09:00", "a") == ["wang"]
    assert there(roster, "2026-03-03 09:00", "open") == ["zhang"]
    assert sorted(there(roster, "2026-03-03 16:00", None)) == ["wang", "zhang"]
    assert there(roster, "2026-03-03 09:00", "a", Role.DUTY_LEAD) == ["zhang"]
    assert there(roster, "2026-03-03 20:00", "a") == ["li"]
    assert there(roster, "2026-03-04 00:00", "a") == ["chen"]
    assert there(roster, "2026-03-04 06:00", "a") == ["li"]
    assert there(roster, "2026-03-04 06:59", "berlin") == ["li"]  # 23:59 of the 3rd there
    assert there(roster, "2026-03-04 07:00", "berlin") == ["chen"]
    assert {person.id for person in roster.everyone("open")} == {"zhang"}
    assert {person.id for person in roster.everyone(None)} == {"zhang", "li", "wang", "chen"}


def test_two_exchange_their_shifts_on_one_line_alone() -> None:
    first = date(2026, 3, 3)
    roster = plan(
        shift("li", lines="a open"),
        shift("chen", lines="b"),
        subs=(
            Substitution("li", "chen", first, first, frozenset({"a"})),
            Substitution("chen", "li", first, first),
        ),
    )
    assert [there(roster, "2026-03-03 09:00", line) for line in ("a", "open", "b")] == [
        ["chen"],
        ["li"],
        ["li"],
    ]


def test_a_limited_substitution_is_of_use_only_in_such_a_shift() -> None:
    first, last = date(2026, 3, 2), date(2026, 3, 2)
    noon, evening = (parse_shift("12:00-13:00"),), (parse_shift("20:00-21:00"),)
    limits: list[tuple[frozenset[str], Role | None, tuple[Shift, ...] | None]] = [
        (frozenset({"a"}), None, noon),
        (frozenset({"open"}), None, None),
        (frozenset(), Role.DUTY_LEAD, None),
        (frozenset(), Role.FIRST_LINE, evening),
    ]
    subs = tuple(Substitution("zhang", "li", first, last, *limit) for limit in limits)
    roster = plan(shift("zhang", "mon-fri 08:00-16:00", lines="a"), subs=subs)
    assert [roster.is_used(found) for found in subs] == [True, False, False, False]
    everywhere = plan(shift("zhang", "mon-fri 08:00-16:00"), subs=subs)
    assert [everywhere.is_used(found) for found in subs] == [True, True, False, False]


def test_it_tells_who_is_missing() -> None:
    roster = plan(
        shift("li zhang", "08:00-20:00"),
        subs=(
            day_off("li", "chen", "2026-03-03"),
            day_off("chen", None, "2026-03-03"),
            day_off("zhang", "wang", "2026-03-03"),
        ),
    )
    first = Role.FIRST_LINE
    assert [who.id for who in roster.missing(first, "a", at("2026-03-03 09:00"))] == ["li"]
    assert list(roster.missing(first, "a", at("2026-03-03 07:00"))) == []
    assert list(roster.missing(first, "a", at("2026-03-02 09:00"))) == []


def test_a_substitution_is_of_use_only_in_a_shift_of_who_is_absent() -> None:
    weekend = absence("zhang", "li", "2026-03-07", "2026-03-09")
    week = absence("zhang", "li", "2026-03-06", "2026-03-09")
    chain = absence("li", "wang", "2026-03-06 10:00", "2026-03-06 11:00")
    stranger = absence("chen", "li", "2026-03-06", "2026-03-09")
    days = day_off("zhang", "li", "2026-03-07", "2026-03-08")
    ever = day_off("zhang", "li", "2026-03-06", "9999-12-29")
    roster = plan(
        shift("zhang", "mon-fri 08:00-16:00"),
        subs=(weekend, week, chain, stranger, days, ever, day_off("chen", None, "2026-03-06")),
    )
    used = [roster.is_used(found) for found in roster.substitutions]
    assert used == [False, True, True, False, False, True, False]


def test_gaps_are_duty_hours_without_anybody() -> None:
    roster = plan(
        shift("zhang", "mon-fri 08:00-12:00"),
        shift("li", "mon-fri 13:00-18:00"),
        subs=(absence("li", None, "2026-03-03", "2026-03-04"),),
    )
    duty = parse(["mon-fri 08:00-18:00"])
    begin, end = at("2026-03-02"), at("2026-03-04")
    first = Role.FIRST_LINE.value
    assert gaps(roster, duty, SHANGHAI, [Role.FIRST_LINE], "a", begin, end) == [
        RosterGap(first, at("2026-03-02 12:00"), at("2026-03-02 13:00")),
        RosterGap(first, at("2026-03-03 12:00"), at("2026-03-03 18:00")),
    ]
    lead = [RosterGap("duty_lead", at("2026-03-02 08:00"), at("2026-03-02 18:00"))]
    noon = at("2026-03-02 20:00")
    assert gaps(roster, duty, SHANGHAI, [Role.DUTY_LEAD], "a", begin, noon) == lead
    assert gaps(Empty(), duty, SHANGHAI, [Role.DUTY_LEAD], "a", begin, noon) == lead
    assert gaps(plan(shift("zhang")), None, SHANGHAI, [Role.FIRST_LINE], "a", begin, end) == []
    assert gaps(Empty(), None, SHANGHAI, [Role.FIRST_LINE], "a", begin, end) == [
        RosterGap(first, begin, end)
    ]


def test_on_a_holiday_a_line_that_is_answered_then_has_a_gap() -> None:
    roster = plan(shift("zhang", "mon-fri 08:00-16:00"))
    duty = parse(["mon-fri,holiday 08:00-16:00"], FESTIVAL)
    begin, end = at("2026-02-14"), at("2026-02-18")
    found = gaps(roster, duty, SHANGHAI, [Role.FIRST_LINE], "a", begin, end)
    assert found == [RosterGap("first_line", at("2026-02-16 08:00"), at("2026-02-16 16:00"))]


HOURS = st.sampled_from(
    ["24x7", "mon-fri 08:00-16:00", "22:00-06:00", "holiday 09:00-10:00", "sat,sun 06:00-06:30"]
)
DAYS = st.none() | st.dates(date(2026, 3, 20), date(2026, 4, 5))
SHIFTS = st.builds(
    lambda who, hours, first, last: RosterShift(
        Role.FIRST_LINE, (who,), frozenset(), hours, first, last
    ),
    st.sampled_from(sorted(PEOPLE)),
    st.none() | st.lists(HOURS.map(parse_shift), min_size=1, max_size=2).map(tuple),
    DAYS,
    DAYS,
)
EDGES = st.floats(0, 5 * 86400).map(lambda after: at("2026-03-26") + after) | st.dates(
    date(2026, 3, 26), date(2026, 3, 31)
)
SUBS = st.builds(
    Substitution,
    st.sampled_from(sorted(PEOPLE)),
    st.none() | st.sampled_from(sorted(PEOPLE)),
    EDGES,
    EDGES,
    st.sampled_from([frozenset[str](), frozenset({"a"}), frozenset({"berlin", "b"})]),
    st.none() | st.just(Role.FIRST_LINE),
    st.none() | HOURS.map(lambda entry: (parse_shift(entry),)),
)


@given(
    st.lists(SHIFTS, max_size=3), st.lists(SUBS, max_size=4), st.sampled_from(["a", "berlin", None])
)
def test_nobody_comes_or_goes_between_two_changes(
    shifts: list[RosterShift], subs: list[Substitution], line: str | None
) -> None:
    roster = plan(*shifts, subs=tuple(subs))
    begin, end = at("2026-03-27"), at("2026-03-31")  # Berlin's clocks change
    borders = [begin, *roster.changes(line, begin, end), end]
    known = {person.id for person in roster.everyone(line)}
    for low, high in pairwise(borders):
        seen = [
            tuple(roster.on_duty(Role.FIRST_LINE, line, low + (high - low) * part))
            for part in (0.0, 0.3, 0.6, 0.99)
        ]
        assert len(set(seen)) == 1
        assert {person.id for person in seen[0]} <= known


@pytest.mark.parametrize("line", ["a", None])
def test_an_empty_roster_is_empty(line: str | None) -> None:
    assert list(Empty().changes(line, 0.0, 1e9)) == []
    assert list(plan().on_duty(Role.FIRST_LINE, line, 0.0)) == []
