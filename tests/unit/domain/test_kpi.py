"""What the figures make of single offers, of nothing, and of the offers of one call."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from ctid.domain.calendar import Calendar, DayKind
from ctid.domain.days import days, hour_starts, local_day, midnight, month_of
from ctid.domain.duty import parse
from ctid.domain.kpi import Counts, Offer, Rules, fold, is_below
from ctid.domain.lines import Line
from ctid.domain.records import Gap, GapCause, Outcome, Reason
from ctid.domain.tally import Desk, Scope, coverage, tally

ZONE = "Europe/Berlin"
DAY = date(2026, 11, 25)
AT = midnight(DAY, ZONE) + 10 * 3600
LINE = Line(
    name="network",
    title="network",
    specialty="network",
    queues=frozenset(),
    dids=(),
    contexts=frozenset(),
    agents=frozenset(),
    duty=None,
    zone=ZONE,
    target_rate=0.75,
)


def offer(
    outcome: Outcome = Outcome.ANSWERED,
    reason: Reason | None = None,
    *,
    at: float = AT,
    line: str = "network",
    wait: float | None = 7.0,
    talk: float | None = 60.0,
    call: str = "1.1",
) -> Offer:
    return Offer("main", call, line, at, outcome.value, reason or "", wait, talk, 0.0)


def counted(*offers: Offer, on_duty: bool = True) -> Counts:
    counts = Counts()
    counts.count(offers, Rules(), on_duty=on_duty)
    return counts


def test_without_calls_there_is_no_rate() -> None:
    for counts in (Counts(), counted(offer(Outcome.LOST), offer(Outcome.NOT_OFFERED))):
        assert counts.rung == 0
        for rate in (
            counts.answer_rate,
            counts.adjusted_rate,
            counts.service_level,
            counts.abandon_rate,
            counts.asa,
            counts.aht,
            counts.longest_wait,
        ):
            assert rate is None


def test_lost_and_excluded_are_in_no_rate() -> None:
    counts = counted(offer(), offer(Outcome.LOST), offer(Outcome.EXCLUDED, Reason.TEST))
    assert (counts.rung, counts.answer_rate, counts.of(Outcome.LOST)) == (1, 1.0, 1)
    assert counts.reasons(Outcome.EXCLUDED) == {"test": 1}


@pytest.mark.parametrize(("wait", "adjusted"), [(4.999, 0), (5.0, 1), (None, 1)])
def test_a_short_abandon_is_below_the_limit(wait: float | None, adjusted: int) -> None:
    counts = counted(offer(Outcome.MISSED, Reason.CALLER_HANGUP, wait=wait))
    assert (counts.rung, counts.adjusted_rung) == (1, adjusted)
    assert counts.abandon_rate == 1.0


@pytest.mark.parametrize(("talk", "short"), [(2.999, 1), (3.0, 0), (None, 0)])
def test_a_short_answer_rang_but_was_none(talk: float | None, short: int) -> None:
    counts = counted(offer(talk=talk))
    assert (counts.answer_rate, counts.short_answers) == (1.0, short)
    assert counts.adjusted_rate == 1 - short


def test_out_of_duty_only_the_raw_rate_counts() -> None:
    counts = counted(offer(), on_duty=False)
    assert (counts.answer_rate, counts.adjusted_rate) == (1.0, None)


@pytest.mark.parametrize(("wait", "level"), [(20.0, 1.0), (20.001, 0.0), (None, 0.0)])
def test_the_service_level_includes_its_limit(wait: float | None, level: float) -> None:
    assert counted(offer(wait=wait)).service_level == level


def test_counts_can_be_written_down_and_added() -> None:
    first = counted(offer(), offer(Outcome.MISSED, Reason.BUSY, wait=90.0))
    second = counted(offer(wait=30.0), offer(Outcome.NOT_OFFERED, Reason.IVR_HANGUP))
    both = Counts.from_json(first.to_json())
    both.add(Counts.from_json(second.to_json()))
    assert both == counted(
        offer(),
        offer(Outcome.MISSED, Reason.BUSY, wait=90.0),
        offer(wait=30.0),
        offer(Outcome.NOT_OFFERED, Reason.IVR_HANGUP),
    )
    assert both.longest_wait == 90.0


def test_a_call_that_was_answered_elsewhere_is_answered_and_has_waited_all_along() -> None:
    gone = offer(Outcome.OVERFLOWED, Reason.QUEUE_TIMEOUT, wait=30.0, talk=0.0)
    folded = fold([offer(at=AT + 40, wait=5.0, line="server"), gone])
    assert (folded.outcome, folded.at, folded.wait_seconds) == ("answered", AT, 45.0)


def test_a_call_that_may_have_been_answered_elsewhere_is_not_called_missed() -> None:
    gone = offer(Outcome.OVERFLOWED, Reason.QUEUE_TIMEOUT)
    assert fold([gone, offer(Outcome.LOST, at=AT + 40, line="server")]).outcome == "lost"


def test_both_lines_count_it_and_the_desk_counts_it_once() -> None:
    late = midnight(DAY, ZONE) - 10
    gone = offer(Outcome.OVERFLOWED, Reason.QUEUE_TIMEOUT, at=late)
    here = offer(at=late + 20, line="server")
    found = {day: tally([gone, here], day, Desk(ZONE, {})) for day in (date(2026, 11, 24), DAY)}
    assert [{scope for scope, _ in day} for day in found.values()] == [
        {Scope.LINE, Scope.DESK},
        {Scope.LINE},
    ]
    before = found[date(2026, 11, 24)]
    assert before[Scope.LINE, "network"].total().answer_rate == 0.0
    assert before[Scope.DESK, ""].total().answer_rate == 1.0
    assert before[Scope.DESK, ""].by_hour.keys() == {23}


def test_duty_hours_are_those_of_the_line_in_its_zone_and_calendar() -> None:
    duty = parse(["mon-fri 08:00-18:00"])
    holiday = Calendar("any", {DAY: DayKind.HOLIDAY}, DAY)
    lines = [
        replace(LINE, name="shanghai", duty=duty, zone="Asia/Shanghai"),
        replace(LINE, name="berlin", duty=duty),
        replace(LINE, name="closed", duty=replace(duty, calendar=holiday)),
    ]
    offers = [
        offer(at=AT + hours * 3600, line=line.name, call=f"{line.name} {hours}")
        for line in lines
        for hours in (0, 3)  # 10:00 and 13:00, in Shanghai 17:00 and 20:00
    ]
    desk = Desk(ZONE, {line.name: line for line in lines})
    found = tally(offers, DAY, desk)
    counts = {line.name: found[Scope.LINE, line.name].total() for line in lines}
    assert {name: (of.rung, of.adjusted_rung) for name, of in counts.items()} == {
        "shanghai": (2, 1),
        "berlin": (2, 2),
        "closed": (2, 0),
    }


def test_days_are_as_long_as_the_clock_makes_them() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    for day, length in ((spring, 23), (autumn, 25), (DAY, 24)):
        (_, after) = days(day, date.fromordinal(day.toordinal() + 1))
        assert midnight(after, ZONE) - midnight(day, ZONE) == length * 3600
        assert local_day(midnight(day, ZONE), ZONE) == day
        assert local_day(midnight(after, ZONE) - 0.001, ZONE) == day
    assert month_of(date(2024, 2, 11)) == (date(2024, 2, 1), date(2024, 2, 29))


def test_offers_that_lie_far_apart_are_two_for_the_desk_each_on_its_day() -> None:
    day = date(2026, 11, 24)
    begin = midnight(DAY, ZONE)
    missed = offer(Outcome.MISSED, Reason.NO_ANSWER, at=begin - 4 * 3600)
    later = offer(at=begin + 1800, line="server")
    found = [
        tally([missed, later], on, Desk(ZONE, {}))[Scope.DESK, ""].total() for on in (day, DAY)
    ]
    assert [(counts.rung, counts.answered) for counts in found] == [(1, 0), (1, 1)]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),  # by half an hour
        ("Asia/Beirut", date(2026, 3, 29)),  # has no midnight
        ("Asia/Kathmandu", date(2026, 11, 25)),
    ],
)
def test_hours_begin_where_the_clock_on_the_wall_says_so(zone: str, day: date) -> None:
    begins = list(hour_starts(day, zone))
    at, end = midnight(day, zone), midnight(date.fromordinal(day.toordinal() + 1), zone)
    while at < end:
        (_, hour) = [found for found in begins if found[0] <= at][-1]
        assert hour == datetime.fromtimestamp(at, ZoneInfo(zone)).hour, at
        at += 60


def test_an_hour_that_occurs_twice_is_one() -> None:
    begin = midnight(date(2026, 10, 25), ZONE)
    twice = [offer(at=begin + 2.5 * 3600, call="1"), offer(at=begin + 3.5 * 3600, call="2")]
    found = tally(twice, date(2026, 10, 25), Desk(ZONE, {}))[Scope.LINE, "network"].by_hour
    assert {hour: counts.rung for hour, counts in found.items()} == {2: 2}


def test_coverage_is_that_of_the_pbx_that_was_seen_least() -> None:
    gaps = [
        Gap("a", 10.0, 30.0, GapCause.CONNECTION_LOST),
        Gap("a", 20.0, 40.0, GapCause.CONNECTION_LOST),
        Gap("b", 90.0, None, GapCause.DAEMON_DOWN),
        Gap("removed", 0.0, 100.0, GapCause.DAEMON_DOWN),
    ]
    assert coverage(gaps, ("a", "b"), [(0.0, 100.0)]) == pytest.approx(0.7)
    assert coverage(gaps, ("b",), [(0.0, 100.0)]) == pytest.approx(0.9)
    assert coverage(gaps, ("a",), [(0.0, 20.0), (50.0, 60.0)]) == pytest.approx(20 / 30)
    assert coverage(gaps, ("a",), []) is None


@pytest.mark.parametrize("percent", range(101))
def test_a_rate_that_is_just_the_target_is_not_below_it(percent: int) -> None:
    target = float(f"{percent / 100:.2f}")
    for rung in range(1, 201):
        for answered in range(rung + 1):
            below = answered * 100 < percent * rung
            assert is_below(target, answered, rung) is below
