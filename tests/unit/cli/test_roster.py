"""`ctid roster` as it is typed."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ctid.cli import app, roster_lint
from ctid.config import load, roster

CONFIG = """
timezone = "Asia/Shanghai"
[roster]
file = "roster.toml"
[[channels.dingtalk]]
[[line]]
name = "network"
queues = ["a"]
duty = ["mon-fri 08:00-18:00"]
[[line]]
name = "server"
queues = ["b"]
duty = ["08:00-12:00"]
"""
ROSTER = """
[[person]]
id = "zhang"
name = "张三"
channels = ["dingtalk"]
mobile = "13800138000"
[[person]]
id = "li"
channels = ["dingtalk"]
mobile = "13800138001"
[[shift]]
role = "first_line"
hours = ["08:00-18:00"]
people = ["zhang"]
[[shift]]
role = "duty_lead"
lines = ["server"]
people = ["li"]
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    (tmp_path / "ctid.toml").write_text(CONFIG)
    (tmp_path / "roster.toml").write_text(ROSTER)


def ctid(tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(tmp_path / "ctid.toml")])


def test_it_shows_who_is_there_then(tmp_path: Path) -> None:
    done = ctid(tmp_path, "roster", "show", "--at", "2026-03-02T09:00")
    assert done.exit_code == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["2026-03-02", "09:00,", "times", "of", "Asia/Shanghai"],
        ["line", "role", "who", "channels"],
        ["network", "first_line", "张三", "dingtalk"],
        ["network", "second_line", "nobody"],
        ["network", "duty_lead", "nobody"],
        ["network", "project_manager", "nobody"],
        ["server", "first_line", "张三", "dingtalk"],
        ["server", "second_line", "nobody"],
        ["server", "duty_lead", "li", "dingtalk"],
        ["server", "project_manager", "nobody"],
    ]
    words = ["roster", "show", "--at", "2026-03-02T20:00+08:00", "--line", "server"]
    night = json.loads(ctid(tmp_path, *words, "--format", "json").stdout)
    assert [(row["role"], row["person"], row["channels"]) for row in night] == [
        ("first_line", None, []),
        ("second_line", None, []),
        ("duty_lead", "li", ["dingtalk"]),
        ("project_manager", None, []),
    ]


def test_it_shows_days_change_by_change(tmp_path: Path) -> None:
    with (tmp_path / "roster.toml").open("a") as file:
        file.write(
            '[[substitution]]\nabsent = "zhang"\nby = "li"\nfrom = 2026-03-03T12:00:00\n'
            "until = 2026-03-03\n"
        )
    words = ["--at", "2026-03-02", "--days", "2", "--line", "network", "--format", "jsonl"]
    done = ctid(tmp_path, "roster", "show", *words)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["from"], row["until"], row["person"]) for row in rows] == [
        ("2026-03-02T08:00:00+08:00", "2026-03-02T18:00:00+08:00", "zhang"),
        ("2026-03-03T08:00:00+08:00", "2026-03-03T12:00:00+08:00", "zhang"),
        ("2026-03-03T12:00:00+08:00", "2026-03-03T18:00:00+08:00", "li"),
        # who has no other role at all
        *3 * [("2026-03-02T00:00:00+08:00", "2026-03-04T00:00:00+08:00", None)],
    ]
    table = ctid(tmp_path, "roster", "show", *words[:-2]).stdout.splitlines()
    assert table[0] == "2026-03-02 00:00 and after, times of Asia/Shanghai"
    assert table[2].split()[:4] == ["2026-03-02", "08:00", "2026-03-02", "18:00"]
    assert len(table) == 8


def test_of_one_line_times_are_those_of_its_zone(tmp_path: Path) -> None:
    zone = 'name = "server"\ntimezone = "Europe/Berlin"\n'
    (tmp_path / "ctid.toml").write_text(CONFIG.replace('name = "server"\n', zone))
    words = ["roster", "show", "--at", "2026-03-02T00:00", "--days", "1", "--line", "server"]
    table = ctid(tmp_path, *words).stdout.splitlines()
    assert table[0] == "2026-03-02 00:00 and after, times of Europe/Berlin"
    assert table[2].split()[:4] == ["2026-03-02", "08:00", "2026-03-02", "18:00"]
    rows = json.loads(ctid(tmp_path, *words, "--format", "json").stdout)
    assert rows[0]["from"] == "2026-03-02T08:00:00+01:00"
    all_lines = ctid(tmp_path, *words[:-2]).stdout.splitlines()
    assert all_lines[0].endswith("times of Asia/Shanghai")
    first = [row.split()[1] for row in all_lines if "server" in row and "first_line" in row]
    assert first == ["00:00", "15:00"]  # in the first hours it is still the day before there


def test_lint_names_the_zone_of_its_times(tmp_path: Path) -> None:
    zone = 'name = "server"\ntimezone = "Europe/Berlin"\n'
    (tmp_path / "ctid.toml").write_text(CONFIG.replace('name = "server"\n', zone))
    (tmp_path / "roster.toml").write_text(ROSTER.replace('["08:00-18:00"]', '["08:00-11:00"]'))
    rows = json.loads(ctid(tmp_path, "roster", "lint", "--format", "json").stdout)
    (network, server) = [row["what"] for row in rows]
    assert "mon-sun 11:00-12:00" in server
    assert server.endswith(" (times of Europe/Berlin)")
    assert "times of" not in network
    table = ctid(tmp_path, "roster", "lint").stdout.splitlines()
    assert table[0] == "times of Asia/Shanghai, where no other zone is named"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "tomorrow"], "--at 'tomorrow' is no time"),
        (["--line", "x"], "--line x: no such line; there are: network, server"),
    ],
)
def test_what_is_asked_wrongly(tmp_path: Path, words: list[str], said: str) -> None:
    done = ctid(tmp_path, "roster", "show", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"ctid: {said}")


def test_lint_of_a_good_roster(tmp_path: Path) -> None:
    done = ctid(tmp_path, "roster", "lint")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path}/roster.toml: good (2 people)\n"
    assert ctid(tmp_path, "roster", "lint", "--format", "json").stdout == "[]\n"


def test_lint_warns_of_shifts_on_holidays_where_there_are_none(tmp_path: Path) -> None:
    text = ROSTER + '[[shift]]\nrole = "duty_lead"\nhours = ["holiday 09:00-12:00"]\n'
    text += 'lines = ["network"]\npeople = ["li"]\n'
    (found,) = lint(tmp_path, text)
    assert found["severity"] == "warning"
    assert found["what"].startswith("shift of li as duty_lead: without a calendar no day is `holid")
    assert lint(tmp_path, text, CONFIG + '[calendar]\ncountry = "DE"\n') == []
    config = CONFIG.replace('name = "network"\n', 'name = "network"\ncalendar = false\n')
    assert lint(tmp_path, text, config + '[calendar]\ncountry = "DE"\n') == [found]


def test_lint_says_who_is_absent_where_nobody_is_there(tmp_path: Path) -> None:
    day = datetime.fromtimestamp(time.time() + 3 * 86_400.0, ZoneInfo("Asia/Shanghai")).date()
    absence = f'[[substitution]]\nabsent = "zhang"\nfrom = {day}\nuntil = {day}\n'
    (tmp_path / "roster.toml").write_text(ROSTER + absence)
    done = ctid(tmp_path, "roster", "lint", "--format", "json")
    assert done.exit_code == 1
    told = [row["what"] for row in json.loads(done.stdout) if row["line"] == "server"]
    when = f"from {day} 08:00 until {day} 12:00"
    absent = "absent, with nobody in their place: zhang"
    assert told == [f"line server: nobody is first_line {when}: {absent}"]


def test_lint_warns_of_people_whom_no_group_mentions(tmp_path: Path) -> None:
    text = ROSTER.replace('mobile = "13800138001"\n', "")
    (tmp_path / "roster.toml").write_text(text)
    done = ctid(tmp_path, "roster", "lint")
    assert done.exit_code == 0
    assert "warning   li: without `mobile` no group mentions li: at night" in done.stdout


def test_lint_says_of_which_line_the_nights_may_not_be_meant(tmp_path: Path) -> None:
    config = CONFIG + '[[line]]\nname = "night"\ndids = ["9"]\n'
    (tmp_path / "ctid.toml").write_text(config)
    text = ROSTER.replace('["08:00-18:00"]', '["08:00-11:00"]')
    (tmp_path / "roster.toml").write_text(text)
    rows = json.loads(ctid(tmp_path, "roster", "lint", "--format", "json").stdout)
    night = {row["what"].split(": nobody")[0] for row in rows if row["line"] == "night"}
    assert night == {"line night (without `duty`: round the clock)"}
    assert any(row["what"].startswith("line server: nobody") for row in rows)


def lint(tmp_path: Path, roster: str, config: str = CONFIG) -> list[dict[str, Any]]:
    (tmp_path / "ctid.toml").write_text(config)
    (tmp_path / "roster.toml").write_text(roster)
    rows: list[dict[str, Any]] = json.loads(
        ctid(tmp_path, "roster", "lint", "--format", "json").stdout
    )
    return rows


def test_a_gap_of_every_week_is_one_row(tmp_path: Path) -> None:
    text = ROSTER.replace('["08:00-18:00"]', '["08:00-11:00"]')
    network, server = lint(tmp_path, text)
    begin = r"line network: nobody is first_line mon-fri 11:00-18:00, 1[0-1] times in 14 days, "
    assert re.fullmatch(begin + r"first on 20\d\d-\d\d-\d\d", network["what"])
    begin = r"line server: nobody is first_line mon-sun 11:00-12:00, 1[45] times in 14 days, first"
    assert re.match(begin, server["what"])
    assert server["times"] in (14, 15)
    assert server["begins_at"][11:16] == "03:00"  # in UTC
    # over midnight it is one, too, whatever time it is now
    night = CONFIG + '[[line]]\nname = "night"\ndids = ["9"]\n'
    (row,) = (row for row in lint(tmp_path, ROSTER, night) if row["line"] == "night")
    assert "nobody is first_line mon-sun 18:00-08:00, 1" in row["what"]
    text = ROSTER.replace('["08:00-18:00"]', '["mon-sat 08:00-18:00"]')
    rows = [row["what"] for row in lint(tmp_path, text, night) if row["line"] == "night"]
    assert len(rows) == 2
    assert any("first_line mon-fri 18:00-08:00, " in what for what in rows)
    assert any(re.search("first_line sat 18:00 for 38 h, [23] times", what) for what in rows)


@pytest.mark.parametrize(
    "now", ["2026-11-28T17:59", "2026-11-29T12:00", "2026-11-30T00:03", "2026-11-30T07:59"]
)
def test_a_gap_that_goes_on_has_its_beginning(tmp_path: Path, now: str) -> None:
    (tmp_path / "ctid.toml").write_text(CONFIG + '[[line]]\nname = "night"\ndids = ["9"]\n')
    (tmp_path / "roster.toml").write_text(
        ROSTER.replace('["08:00-18:00"]', '["mon-sat 08:00-18:00"]')
    )
    loaded = load(tmp_path / "ctid.toml", read_secrets=False)
    plan = roster.load(tmp_path / "roster.toml", roster.surroundings(loaded))
    at = datetime.fromisoformat(f"{now}+08:00").timestamp()
    rows = [
        row["what"] for row in roster_lint.unstaffed(plan, loaded, at) if row["line"] == "night"
    ]
    begin = "line night (without `duty`: round the clock): nobody is first_line "
    assert sorted(row.removeprefix(begin) for row in rows) == [
        "mon-fri 18:00-08:00, 10 times in 14 days, first on 2026-11-30",
        "sat 18:00 for 38 h, "
        + ("2 times in 14 days" if now < "2026-11-28T18" else "3 times in 14 days")
        + ", first on 2026-11-28",
    ]


def test_a_gap_without_end_is_told_from_now_on(tmp_path: Path) -> None:
    text = ROSTER.replace('role = "first_line"', 'role = "second_line"')
    config = CONFIG.replace('duty = ["08:00-12:00"]\n', "")
    (row,) = (row for row in lint(tmp_path, text, config) if row["line"] == "server")
    assert re.search(r"from 20[-0-9]+ [0-9:]+ until 20[-0-9]+ [0-9:]+$", row["what"])
    begins, ends = (datetime.fromisoformat(row[key]) for key in ("begins_at", "ends_at"))
    assert abs(begins.timestamp() - time.time()) < 60.0
    assert (ends - begins).days == 14


def test_lint_warns_of_what_is_over_and_of_what_reaches_nobody(tmp_path: Path) -> None:
    config = CONFIG + '[[channels.webhook]]\nurl = "http://127.0.0.1/"\n'
    text = ROSTER.replace("13800138000", "1380013800").replace("13800138001", "138001380012")
    text = text.replace(
        'channels = ["dingtalk"]', 'channels = ["dingtalk", { channel = "webhook", to = "x" }]', 1
    )
    text += '[[shift]]\nrole = "second_line"\npeople = ["li", "zhang"]\nuntil = 2026-03-01\n'
    text += '[[substitution]]\nabsent = "zhang"\nfrom = 2026-02-01\nuntil = 2026-02-02\n'
    said = [
        "zhang: the mobile number that ends in 00 is too short: nobody is mentioned",
        "zhang: channel webhook takes no address: take its `to` out",
        "li: the mobile number that ends in 12 is too long: nobody is mentioned",
        "shift of li, zhang as second_line: is over since 2026-03-01: take it out",
        "substitution of zhang by nobody: is over since 2026-02-02: take it out",
    ]
    assert [(row["severity"], row["what"]) for row in lint(tmp_path, text, config)] == [
        ("warning", what) for what in said
    ]
    done = ctid(tmp_path, "check-config", "--no-secrets")
    assert done.exit_code == 0
    for what in said:
        assert f"ctid: warning: {tmp_path}/roster.toml: {what}\n" in done.stderr


def test_lint_tells_gaps_and_whom_nobody_reaches(tmp_path: Path) -> None:
    text = ROSTER.replace('["08:00-18:00"]', '["08:00-11:00"]')
    text = text.replace('id = "li"\nchannels = ["dingtalk"]', 'id = "li"')
    text += '[[person]]\nid = "chen"\n[[substitution]]\nabsent = "chen"\n'
    text += "from = 2096-03-02\nuntil = 2096-03-02\n"
    (tmp_path / "roster.toml").write_text(text)
    done = ctid(tmp_path, "roster", "lint", "--format", "json")
    assert done.exit_code == 1
    rows = json.loads(done.stdout)
    assert [row["line"] for row in rows if "line" in row] == ["network", "server"]
    assert [(row["severity"], row["what"]) for row in rows if "line" not in row] == [
        ("error", "li: has no channels: nobody can reach li"),
        ("warning", "chen: is in no shift"),
        ("warning", "substitution of chen by nobody: chen has no shift in this time"),
    ]
    assert ctid(tmp_path, "roster", "lint").exit_code == 1
    done = ctid(tmp_path, "check-config", "--no-secrets")
    assert (done.exit_code, "good" in done.stdout) == (0, True)
    begin = f"ctid: warning: {tmp_path}/roster.toml: "
    assert f"{begin}3 errors: ctid roster lint tells which\n" in done.stderr
    assert f"{begin}li: has no channels: nobody can reach li\n" in done.stderr
    assert "nobody is first_line" not in done.stderr


def test_a_step_for_a_role_that_nobody_ever_has_is_a_warning(tmp_path: Path) -> None:
    steps = "".join(
        f"[[escalation]]\nafter_minutes = {after}\nto = {to}\n"
        for after, to in ((0, ["first_line"]), (5, ["duty_lead", "project_manager", "everyone"]))
    )
    (found,) = lint(tmp_path, ROSTER, CONFIG + steps)
    assert found["severity"] == "warning"
    assert found["what"].startswith("nobody is ever project_manager, whom escalation[1] pages: ")
    assert (
        f"roster.toml: {found['what']}\n" in ctid(tmp_path, "check-config", "--no-secrets").stderr
    )
    shift = '[[shift]]\nrole = "project_manager"\npeople = ["li"]\n'
    assert lint(tmp_path, ROSTER + shift, CONFIG + steps) == []
    over = lint(tmp_path, ROSTER + shift + "until = 2020-01-01\n", CONFIG + steps)
    assert found in over


def test_mistakes_of_the_file_end_both_and_check_config(tmp_path: Path) -> None:
    (tmp_path / "roster.toml").write_text(ROSTER.replace('["zhang"]', '["zang"]'))
    said = f"ctid: {tmp_path}/roster.toml:14: shift[0].people[0]: there is no person `zang`: did"
    for words, code in ((["roster", "lint"], 1), (["roster", "show"], 2), (["check-config"], 2)):
        done = ctid(tmp_path, *words, *(["--no-secrets"] if words == ["check-config"] else []))
        assert (done.exit_code, done.stdout) == (code, "")
        assert done.stderr.startswith(said)


def test_status_warns_of_a_roster_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "ctid.toml").write_text(CONFIG)
    said = f"ctid: warning: {tmp_path}/roster.toml:14: shift[0].people[0]: there is no person"
    for text, warned in ((ROSTER, False), (ROSTER.replace('["zhang"]', '["zang"]'), True)):
        (tmp_path / "roster.toml").write_text(text)
        assert (said in ctid(tmp_path, "status").stderr) is warned


def test_channels_by_which_nobody_is_paged_are_a_warning(tmp_path: Path) -> None:
    table = '[[channels.command]]\nargv = ["/bin/true"]\n'
    said = "there are channels, and nobody is paged by them: name people in [roster] file"
    for alert, warned in (("", True), ('[alert]\nchannels = ["command"]\n', False)):
        (tmp_path / "ctid.toml").write_text(alert + table)
        done = ctid(tmp_path, "check-config", "--no-secrets")
        assert (done.exit_code, said in done.stderr) == (0, warned)
        assert "1 channel;" in done.stdout


def test_without_a_roster_it_says_how_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "ctid.toml").write_text("")
    done = ctid(tmp_path, "roster", "lint")
    assert done.exit_code == 2
    assert done.stderr.startswith("ctid: there is no roster: name its file, [roster] file =")


@pytest.mark.parametrize(("days", "warned"), [(50, True), (70, False)])
def test_a_calendar_that_ends_soon_is_a_warning(tmp_path: Path, days: int, warned: bool) -> None:
    last = (datetime.fromtimestamp(time.time(), UTC) + timedelta(days=days)).date()
    (tmp_path / "days.toml").write_text(f"known_until = {last}\n[days]\n2026-01-01 = 'holiday'\n")
    (tmp_path / "ctid.toml").write_text(CONFIG + '[calendar]\noverrides = "days.toml"\n')
    done = ctid(tmp_path, "check-config", "--no-secrets")
    assert done.exit_code == 0
    said = f"holidays of override file are known only until {last}: "
    assert (said in done.stderr) is warned
    assert "upgrade the package" not in done.stderr  # it has none
