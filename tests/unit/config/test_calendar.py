"""[calendar], its override file, and what of them the lines get."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ctid.config import Config, ConfigError, load
from ctid.config.roster import surroundings
from ctid.domain.calendar import Calendar, DayKind, calendar_ending
from ctid.domain.duty import is_on_duty
from ctid.domain.limits import limit_at, warning_at

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
LINE = """
[[line]]
name = "a"
queues = ["a"]
duty = ["mon-fri 08:00-18:00"]
"""
Loading = Callable[..., Config]


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    def load_text(text: str, overrides: str | bytes | None = None, now: float = NOW) -> Config:
        path = tmp_path / "ctid.toml"
        path.write_text(text)
        if overrides is not None:
            data = overrides if isinstance(overrides, bytes) else overrides.encode()
            (tmp_path / "days.toml").write_bytes(data)
        return load(path, read_secrets=False, clock=lambda: now)

    return load_text


def calendar_of(config: Config) -> Calendar:
    assert config.calendar.days is not None
    return config.calendar.days


def problems(loading: Loading, text: str, overrides: str | bytes | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loading(text, overrides)
    return [
        f"{Path(problem.file).name}:{problem.row}: {problem.key}: {problem.message}"
        for problem in caught.value.problems
    ]


def kinds(calendar: Calendar, year: int, kind: DayKind) -> list[str]:
    found = [day for day, what in calendar.kinds.items() if (day.year, what) == (year, kind)]
    return [f"{day:%m-%d}" for day in sorted(found)]


def test_china_in_2026_is_as_the_state_council_announced_it(loading: Loading) -> None:
    china = calendar_of(loading('timezone = "Asia/Shanghai"\n[calendar]\ncountry = "CN"'))
    assert kinds(china, 2026, DayKind.WORKDAY) == [
        "01-04", "02-14", "02-28", "05-09", "09-20", "10-10"
    ]  # fmt: skip
    assert kinds(china, 2026, DayKind.HOLIDAY) == [
        "01-01", "01-02", "01-03",
        "02-15", "02-16", "02-17", "02-18", "02-19", "02-20", "02-21", "02-22", "02-23",
        "04-04", "04-05", "04-06", "05-01", "05-02", "05-03", "05-04", "05-05",
        "06-19", "06-20", "06-21", "09-25", "09-26", "09-27",
        "10-01", "10-02", "10-03", "10-04", "10-05", "10-06", "10-07",
    ]  # fmt: skip
    assert china.known_until >= date(2026, 12, 31)
    assert (china.known_until.month, china.known_until.day) == (12, 31)
    assert china.kind(date(2020, 1, 24)) is DayKind.HOLIDAY  # old figures are computed again


def test_a_package_that_is_long_out_of_date_still_tells_what_it_knows(loading: Loading) -> None:
    later = datetime(2090, 1, 1, tzinfo=UTC).timestamp()
    china = calendar_of(loading('[calendar]\ncountry = "CN"', now=later))
    assert china.kind(date(2026, 10, 1)) is DayKind.HOLIDAY
    assert date(2026, 12, 31) <= china.known_until < date(2090, 1, 1)
    assert calendar_ending(china, date(2090, 1, 1))


def test_other_countries_are_computed_two_years_ahead(loading: Loading) -> None:
    text = '[calendar]\ncountry = "DE"\nsubdivision = "BY"'
    bavaria = calendar_of(loading(text))
    assert (bavaria.name, bavaria.known_until) == ("DE-BY", date(2028, 12, 31))
    assert bavaria.kind(date(2026, 1, 6)) is DayKind.HOLIDAY  # Epiphany
    germany = calendar_of(loading('[calendar]\ncountry = "DE"'))
    assert germany.kind(date(2026, 1, 6)) is DayKind.ORDINARY
    assert germany.kind(date(2028, 10, 3)) is DayKind.HOLIDAY


def test_make_up_workdays_are_known_of_other_countries_too(loading: Loading) -> None:
    hungary = calendar_of(loading('[calendar]\ncountry = "HU"'))
    assert kinds(hungary, 2026, DayKind.WORKDAY) == ["01-10", "08-08"]


@pytest.mark.parametrize("text", ["", "[calendar]\n"])
def test_without_a_country_nothing_changes(loading: Loading, text: str) -> None:
    config = loading(text + LINE)
    assert config.calendar.days is None
    (line,) = config.lines()
    assert line.duty is not None
    assert line.duty.calendar is None


def test_lines_have_the_calendar_unless_they_do_not_want_it(loading: Loading) -> None:
    other = LINE.replace('"a"', '"b"') + "calendar = false\n"
    config = loading('[calendar]\ncountry = "CN"\n' + LINE + other)
    festival = datetime(2026, 2, 16, 10, tzinfo=UTC).timestamp()
    assert [is_on_duty(line.duty, festival, line.zone) for line in config.lines()] == [False, True]


def test_a_line_has_the_holidays_of_its_own_country(loading: Loading) -> None:
    text = WITH_FILE
    for name, calendar in (("a", "true"), ("b", '"DE"'), ("c", '"DE-BY"'), ("d", '"CN"')):
        text += LINE.replace('"a"', f'"{name}"') + f"calendar = {calendar}\n"
    config = loading(text, '[days]\n2026-10-09 = "closed"\n')
    calendars = [line.duty.calendar for line in config.lines() if line.duty is not None]
    assert [each.name for each in calendars if each is not None] == ["CN", "DE", "DE-BY", "CN"]
    told = {
        "2026-10-01": [DayKind.HOLIDAY, DayKind.ORDINARY, DayKind.ORDINARY, DayKind.HOLIDAY],
        "2026-12-25": [DayKind.ORDINARY, DayKind.HOLIDAY, DayKind.HOLIDAY, DayKind.ORDINARY],
        "2026-01-06": [DayKind.ORDINARY, DayKind.ORDINARY, DayKind.HOLIDAY, DayKind.ORDINARY],
        "2026-10-09": [DayKind.CLOSED, DayKind.ORDINARY, DayKind.ORDINARY, DayKind.CLOSED],
    }
    found = {
        day: [each.kind(date.fromisoformat(day)) for each in calendars if each is not None]
        for day in told
    }
    assert found == told
    assert [each.name for each in config.calendars()] == ["CN", "DE", "DE-BY"]
    assert {name: times.calendar for name, times in surroundings(config).lines.items()} == dict(
        zip("abcd", calendars, strict=True)
    )
    alone = loading(LINE + 'calendar = "DE"\n')
    assert [each.name for each in alone.calendars()] == ["DE"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"XX"', "no holidays are known of `XX`"),
        ('"DE-BX"', "`DE` has no `BX`: there are"),
        ('"CN-SH"', "China has one plan"),
        ('"Germany"', "must be true, false, or a country in two capital letters"),
        ("1", "must be true, false, or a country in two capital letters"),
    ],
)
def test_what_is_no_calendar_of_a_line(loading: Loading, value: str, said: str) -> None:
    (found,) = problems(loading, LINE + f"calendar = {value}\n")
    assert found.startswith(f"ctid.toml:6: line[0].calendar: {said}")


def test_a_line_has_a_zone_of_its_own(loading: Loading) -> None:
    berlin = LINE.replace('"a"', '"b"') + 'timezone = "Europe/Berlin"\n'
    config = loading('timezone = "Asia/Shanghai"\n' + LINE + berlin)
    assert [line.zone for line in config.lines()] == ["Asia/Shanghai", "Europe/Berlin"]
    assert config.zones() == {"a": "Asia/Shanghai", "b": "Europe/Berlin"}
    assert config.desk().zone == "Asia/Shanghai"
    evening = datetime(2026, 3, 2, 17, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert [is_on_duty(line.duty, evening, line.zone) for line in config.lines()] == [False, True]


def test_duty_entries_may_have_limits(loading: Loading) -> None:
    text = """
[[line]]
name = "a"
queues = ["a"]
warning_minutes = 7.5
limit_minutes = 12
duty = [
    { hours = "mon-fri 08:00-12:00", warning_minutes = 5, limit_minutes = 8 },
    "mon-fri 13:00-18:00",
]
"""
    config = loading(text)
    (line,) = config.lines()
    morning, noon = (datetime(2026, 3, 2, hour, tzinfo=UTC).timestamp() for hour in (9, 14))
    for since, warning, limit in ((morning, 300.0, 480.0), (noon, 450.0, 720.0)):
        assert warning_at(line.duty, line.zone, since, 450.0) == since + warning
        assert limit_at(line.duty, line.zone, since, 720.0) == since + limit
    assert (config.line[0].warning_minutes, config.line[0].limit_minutes) == (7.5, 12.0)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('{ hour = "24x7" }', "has an unknown key `hour`; did you mean `hours`?"),
        ("{ limit_minutes = 5 }", 'must be a text in quotes, such as "mon-sat 08:00-16:00"'),
        ('{ hours = "24x8" }', "is no duty entry"),
        ('{ hours = "24x7", limit_minutes = 0 }', "has a `limit_minutes` that is not more than 0"),
        ('{ hours = "24x7", limit_minutes = nan }', "has a `limit_minutes` that is not more"),
        ('{ hours = "24x7", limit_minutes = "5" }', "has a `limit_minutes` that is no number"),
        ('{ hours = "24x7", warning_minutes = 5, limit_minutes = 5 }', "warning comes too late"),
    ],
)
def test_bad_entries_with_limits(loading: Loading, entry: str, says: str) -> None:
    (said,) = problems(loading, f'[[line]]\nname = "a"\nqueues = ["a"]\nduty = [{entry}]\n')
    assert said.startswith("ctid.toml:4: line[0].duty[0]: ")
    assert says in said


LIMITS = '[[line]]\nname = "a"\nqueues = ["a"]\n'


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (LIMITS + "warning_minutes = 15\nlimit_minutes = 15\n", "4: line[0].warning_minutes"),
        (LIMITS + "warning_minutes = 20\n", "4: line[0].warning_minutes"),
        (
            LIMITS + "warning_minutes = 12\n[alert]\nlimit_minutes = 12\n",
            "4: line[0].warning_minutes",
        ),
        (LIMITS + 'duty = [{ hours = "24x7", warning_minutes = 20 }]', "4: line[0].duty[0]"),
        (
            LIMITS + 'limit_minutes = 8\nduty = ["sun 08:00-12:00",\n'
            '    { hours = "mon 08:00-12:00", warning_minutes = 8 }]',
            "5: line[0].duty[1]",
        ),
    ],
)
def test_a_warning_that_is_given_comes_before_the_limit(
    loading: Loading, text: str, where: str
) -> None:
    (said,) = problems(loading, text)
    assert said.startswith(f"ctid.toml:{where}: the warning comes too late")


@pytest.mark.parametrize(
    "text",
    [
        LIMITS + "limit_minutes = 3\n",
        LIMITS + "limit_minutes = 8\n[alert]\nwarning_minutes = 9\n",
        LIMITS + 'duty = [{ hours = "24x7", limit_minutes = 8 }]',
        LIMITS + 'warning_minutes = 12\nduty = [{ hours = "24x7", limit_minutes = 8 }]',
        LIMITS + 'duty = [{ hours = "24x7", warning_minutes = 20, limit_minutes = 25 }]',
    ],
)
def test_a_shorter_limit_needs_no_warning_of_its_own(loading: Loading, text: str) -> None:
    assert loading(text).line[0].name == "a"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('country = "XX"', "2: calendar.country: no holidays are known of `XX`"),
        ('country = "China"', "2: calendar.country: must be two capital letters (ISO 3166)"),
        (
            'country = "DE"\nsubdivision = "BX"',
            "3: calendar.subdivision: `DE` has no `BX`: there are `BB`",
        ),
        ('country = "CN"\nsubdivision = "SH"', "3: calendar.subdivision: China has one plan"),
        ('subdivision = "BY"', "2: calendar.subdivision: means nothing without `country`"),
        ('overrides = "none.toml"', "2: calendar.overrides: cannot read "),
        ('overides = "days.toml"', "2: calendar.overides: unknown key; did you mean `overrides`?"),
    ],
)
def test_what_is_wrong_in_the_table(loading: Loading, table: str, said: str) -> None:
    (found,) = problems(loading, f"[calendar]\n{table}\n")
    assert found.startswith(f"ctid.toml:{said}")


WITH_FILE = '[calendar]\ncountry = "CN"\noverrides = "days.toml"\n'


def test_an_override_file_has_the_last_word(loading: Loading) -> None:
    days = """
known_until = 2027-12-31
[days]
2026-02-16 = "ordinary"
2026-02-14 = "ordinary"
"2027-02-05..2027-02-07" = "holiday"
"2027年2月6日" = "workday"
"2027/2/8 to 2027/2/9" = "holiday"
2026-12-31 = 'closed'
"""
    china = calendar_of(loading(WITH_FILE, days))
    told = {
        "2026-02-14": DayKind.ORDINARY,
        "2026-02-15": DayKind.HOLIDAY,
        "2026-02-16": DayKind.ORDINARY,
        "2026-12-31": DayKind.CLOSED,
        "2027-02-05": DayKind.HOLIDAY,
        "2027-02-06": DayKind.WORKDAY,
        "2027-02-07": DayKind.HOLIDAY,
        "2027-02-09": DayKind.HOLIDAY,
        "2027-02-10": DayKind.ORDINARY,
    }
    assert {day: china.kind(date.fromisoformat(day)) for day in told} == told
    assert china.known_until == date(2027, 12, 31)


def test_an_override_file_alone_is_a_calendar_that_ends_where_it_says(loading: Loading) -> None:
    text = '[calendar]\noverrides = "days.toml"\n'
    days = '[days]\n2026-12-31 = "holiday"\n2026-10-01 = "holiday"\n'
    own = calendar_of(loading(text, days))
    assert own.kind(date(2026, 12, 31)) is DayKind.HOLIDAY
    assert own.known_until == date(2026, 12, 31)  # the last day in it
    assert calendar_of(loading(text, "known_until = 2027-06-30\n" + days)).known_until == date(
        2027, 6, 30
    )
    early = calendar_of(loading(text, "known_until = 2026-11-30\n" + days))
    assert early.known_until == date(2026, 11, 30)
    none = calendar_of(loading(text, "known_until = 2026-11-30\n"))
    assert (none.kinds, none.known_until) == ({}, date(2026, 11, 30))
    assert loading(text, "").calendar.days is None


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf[days]\n2026-12-31 = "holiday"\n',
        b'[days]\r\n2026-12-31 = "holiday"\r\n',
    ],
)  # fmt: skip
def test_marks_and_line_ends_of_windows_are_taken(loading: Loading, data: bytes) -> None:
    assert calendar_of(loading(WITH_FILE, data)).kind(date(2026, 12, 31)) is DayKind.HOLIDAY


def test_an_empty_override_file_changes_nothing(loading: Loading) -> None:
    china = calendar_of(loading('[calendar]\ncountry = "CN"'))
    assert calendar_of(loading(WITH_FILE, "")) == china


def test_all_mistakes_of_both_files_are_told_at_once(loading: Loading) -> None:
    days = """known_until = "2027-12-31"
2026-05-01 = "holiday"
[days]
2026-13-01 = "holiday"
"2027-02-11 to 2027-02-05" = "holiday"
"2027-02-05 to 2029-02-11" = "holiday"
2026-12-31 = "hollyday"
2026-12-30 = true
[dais]
"""
    assert problems(loading, WITH_FILE + "[missed]\ndue_minutes = 0\n", days) == [
        "ctid.toml:5: missed.due_minutes: must be greater than or equal to 1, not 0",
        "days.toml:1: known_until: must be a day without quotes, such as 2027-12-31",
        "days.toml:2: 2026-05-01: days belong under a header: write [days] above them",
        (
            "days.toml:4: days.2026-13-01: is no day: "
            'write 2026-12-31, or "2026-12-31 to 2027-01-03" for several'
        ),
        (
            'days.toml:5: days."2027-02-11 to 2027-02-05": '
            "ends before it begins: write the earlier day first"
        ),
        'days.toml:6: days."2027-02-05 to 2029-02-11": is longer than a year: is a digit wrong?',
        "days.toml:7: days.2026-12-31: is 'hollyday': did you mean `holiday`?",
        (
            "days.toml:8: days.2026-12-30: is True: "
            "write one of `ordinary`, `holiday`, `workday`, `closed`"
        ),
        "days.toml:9: dais: unknown key; did you mean `days`?",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'[days]\n2026-12-31 = "\xc0\xb4"\n', "None: : is not UTF-8 text"),
        ("[days]".encode("utf-16"), "None: : is not UTF-8 text"),
        (b"[days]\n2026-12-31 = holiday\n", "2: : is no value: a text stands in straight quotes"),
        (b'[days]\n2026-12-31 = "holiday"\n2026-12-31 = "closed"\n', "3: : `2026-12-31` has a"),
        (b"days = 1\n", "1: days: must be a table: write [days]"),
        (b"#" * 5_000_000, "None: : is larger than 4 MB"),
    ],
)  # fmt: skip
def test_a_file_that_is_none(loading: Loading, data: bytes, said: str) -> None:
    (found,) = problems(loading, WITH_FILE, data)
    assert found.startswith(f"days.toml:{said}")


def test_the_example_loads(loading: Loading) -> None:
    own = calendar_of(loading(WITH_FILE, (ROOT / "config/calendar.toml").read_bytes()))
    assert own.kind(date(2027, 1, 2)) is DayKind.HOLIDAY
    assert own.kind(date(2027, 1, 4)) is DayKind.WORKDAY
