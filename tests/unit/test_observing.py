"""What is found wrong beside the calls."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ctid import observing
from ctid.config import Config, load
from ctid.domain.alerts import DeliveryStuck, NotReloaded, RosterGap
from ctid.domain.calendar import Calendar
from ctid.domain.roster import Empty
from ctid.outbound.loads import File, Loads
from ctid.store.waiting import Waiting

DUTY = 1_798_414_200.0
"""2026-12-28 07:30 in Shanghai, a Monday."""
HOUR = 3600.0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ctid.toml"
    path.write_text(
        'timezone = "Asia/Shanghai"\n[roster]\nfile = "roster.toml"\n'
        '[[line]]\nname = "a"\ndids = ["1"]\n'
        'duty = ["mon-fri 08:00-12:00", "mon-fri 13:00-16:00"]\n'
    )
    return load(path, read_secrets=False)


def test_a_gap_of_the_roster_has_one_beginning_while_it_goes_on(config: Config) -> None:
    before, begun, still = (
        observing.unstaffed(Empty(), config, DUTY + hours * HOUR) for hours in (0, 1, 3)
    )
    assert [gap.since for gap in before] == [DUTY + HOUR / 2]
    assert before == begun == still


def test_a_gap_that_is_over_makes_room_for_the_next(config: Config) -> None:
    (gap,) = observing.unstaffed(Empty(), config, DUTY + 5 * HOUR)
    assert gap.since == DUTY + 5.5 * HOUR


def test_a_gap_has_its_end_from_the_first_look_on(config: Config) -> None:
    minute = 60.0
    at_first = DUTY - 23.5 * HOUR + minute  # the first minute of it is within a day
    (gap,) = observing.unstaffed(Empty(), config, at_first)
    begins = DUTY + HOUR / 2
    assert gap.subject == RosterGap("first_line", begins, begins + 4 * HOUR)
    for_ever = config.line[0].model_copy(update={"duty": None})
    (gap,) = observing.unstaffed(Empty(), config.model_copy(update={"line": (for_ever,)}), DUTY)
    midnight = DUTY - 7.5 * HOUR
    assert gap.subject == RosterGap("first_line", midnight, midnight + 16 * 24 * HOUR)


def test_without_a_roster_file_nothing_is_missing(config: Config) -> None:
    none = config.model_copy(update={"roster": config.roster.model_copy(update={"file": None})})
    assert observing.unstaffed(Empty(), config, DUTY)
    assert observing.unstaffed(Empty(), none, DUTY) == []


@pytest.mark.parametrize(
    ("now", "paged"),
    [
        ("2026-11-02T00:00", "2026-11-02T09:00"),  # a Monday
        ("2026-11-02T09:00", "2026-11-02T09:00"),
        ("2026-11-02T16:59", "2026-11-02T16:59"),
        ("2026-11-02T17:00", "2026-11-03T09:00"),
        ("2026-11-06T17:00", "2026-11-09T09:00"),  # Friday evening
        ("2026-11-07T10:00", "2026-11-09T09:00"),
        ("2027-02-01T03:00", "2027-02-01T09:00"),
    ],
)
def test_a_calendar_that_ends_is_told_by_day(now: str, paged: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")

    def at(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()

    calendar = Calendar("CN", {}, date(2026, 12, 31))
    (found,) = observing.ending([calendar], "Asia/Shanghai", at(now))
    # the first day that has less than 60 days behind it, as it begins there
    assert (found.since, found.quiet_until) == (at("2026-11-02T00:00"), at(paged))
    assert observing.ending([calendar], "Asia/Shanghai", at("2026-11-01T23:59")) == []


def test_a_file_that_was_bad_for_a_while_is_told_with_its_first_mistake() -> None:
    now = DUTY
    loads = Loads(lambda: now)
    loads.succeeded(File.CONFIG)
    loads.succeeded(File.ROSTER)
    assert observing.not_reloaded(loads.all(), now) == []
    loads.failed(File.ROSTER, "roster.csv:3: role: is wrong\nroster.csv:4: hours: too")
    assert observing.not_reloaded(loads.all(), now + 14 * 60.0) == []
    now += 600.0
    loads.failed(File.ROSTER, "roster.csv:3: role: is still wrong")
    (found,) = observing.not_reloaded(loads.all(), DUTY + 15 * 60.0)
    why = "roster.csv:3: role: is still wrong"
    assert found[:4] == (None, "roster", DUTY, NotReloaded("roster", DUTY, why, 0, kept=True))
    loads.succeeded(File.ROSTER)
    assert observing.not_reloaded(loads.all(), DUTY + 15 * 60.0) == []


def test_what_was_never_read_is_not_kept_and_what_is_not_configured_any_more_is_well() -> None:
    loads = Loads(lambda: DUTY)
    loads.failed(File.CONTACTS, "a\nb\nc")
    (found,) = observing.not_reloaded(loads.all(), DUTY + 15 * 60.0)
    assert found.subject == NotReloaded("contacts", DUTY, "a", 2, kept=False)
    loads.absent(File.CONTACTS)
    assert observing.not_reloaded(loads.all(), DUTY + 15 * 60.0) == []


def test_what_waits_for_so_long_is_stuck_and_says_whether_it_is_a_channel(config: Config) -> None:
    waiting = {"x": Waiting(3, DUTY - 1800.0), "y": Waiting(1, DUTY - 1799.0)}
    waiting["z"] = Waiting(0, None)
    for is_channel in (False, True):
        both = ({}, waiting) if is_channel else (waiting, {})
        (found,) = observing.stuck(*both, config, DUTY)
        assert found.subject == DeliveryStuck("x", 3, DUTY - 1800.0, None, is_channel)
        assert (found.about, found.since) == ("x", DUTY - 1800.0)
    (found,) = observing.stuck(waiting, {"x": Waiting(9, DUTY - 3600.0)}, config, DUTY)
    assert found.subject == DeliveryStuck("x", 3, DUTY - 1800.0, None)
