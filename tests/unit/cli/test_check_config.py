"""`ctid check-config` as it is typed."""

import re
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ctid.cli import app

README = (Path(__file__).parents[3] / "README.md").read_text()


def checked(folder: Path, text: str) -> Result:
    path = folder / "ctid.toml"
    zone = "" if "timezone" in text else 'timezone = "Asia/Shanghai"\n'
    path.write_text(zone + text + '\n[[line]]\nname = "network"\nqueues = ["a"]\n')
    return CliRunner().invoke(app, ["check-config", "--no-secrets", "--config", str(path)])


def test_a_folder_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    tickets = '[[file]]\npath = "x.jsonl"\n[[file]]\nname = "b"\npath = "tickets/x.jsonl"'
    done = checked(
        tmp_path, f'[store]\nurl = "calls/x.db"\n[control]\nsocket = "run/x.sock"\n{tickets}'
    )
    assert done.exit_code == 0
    assert done.stdout.endswith(
        ": good (0 PBXs, 1 line, 2 ticket systems; times in Asia/Shanghai)\n"
    )
    store, control, file = done.stderr.splitlines()
    assert f": store.url: there is no folder {tmp_path}/calls: make it" in store
    assert f": control.socket: there is no folder {tmp_path}/run: make it" in control
    assert f": file[1].path: there is no folder {tmp_path}/tickets: make it" in file
    (tmp_path / "calls").mkdir()
    assert checked(tmp_path, '[store]\nurl = "calls/x.db"').stderr == ""


def test_the_time_zone_is_named_and_one_that_nobody_chose_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    path.write_text('[store]\nurl = "x.db"\n[[line]]\nname = "network"\nqueues = ["a"]\n')
    done = CliRunner().invoke(app, ["check-config", "--no-secrets", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (0, f"{path}: good (0 PBXs, 1 line; times in UTC)\n")
    assert done.stderr == (
        f"ctid: warning: {path}: no `timezone`, so duty hours, days and all times are those of "
        'UTC: write timezone = "Asia/Shanghai" above the first [table]\n'
    )
    done = checked(tmp_path, 'timezone = "UTC"\n[store]\nurl = "x.db"\n')
    assert (done.stdout, done.stderr) == (f"{path}: good (0 PBXs, 1 line; times in UTC)\n", "")


def test_a_url_with_a_slash_too_few_is_refused(tmp_path: Path) -> None:
    done = checked(tmp_path, '[store]\nurl = "sqlite://srv/x.db"')
    assert done.exit_code == 2
    assert "store.url: a slash is missing: write sqlite:////srv/x.db" in done.stderr
    assert done.stderr.count("\n") == 1


def test_contacts_are_read_and_bad_rows_named(tmp_path: Path) -> None:
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("number,customer\n13800138000,Hospital\nnone,Nobody\n")
    text = '[contacts]\nfile = "contacts.csv"\n[[file]]\npath = "tickets.jsonl"\n'
    done = checked(tmp_path, text)
    assert done.stdout.endswith(
        ": good (0 PBXs, 1 line, 1 ticket system; times in Asia/Shanghai)\n"
    )
    assert f"warning: {contacts}:3: `none` is no number" in done.stderr
    contacts.write_text("name,customer\nx,Hospital\n")
    assert checked(tmp_path, text).exit_code == 2


def test_the_examples_of_the_readme_are_good(tmp_path: Path) -> None:
    least, alerting, roster = (
        textwrap.dedent(block) for block in re.findall(r" *```toml\n(.*?) *```", README, re.DOTALL)
    )
    (tmp_path / "roster.toml").write_text(roster)
    path = tmp_path / "ctid.toml"
    for text, what in ((least, "1 line"), (least + alerting, "1 line, 2 channels")):
        path.write_text(text.replace("/etc/ctid/roster.toml", str(tmp_path / "roster.toml")))
        done = CliRunner().invoke(app, ["check-config", "--no-secrets", "--config", str(path)])
        assert done.stdout == f"{path}: good (1 PBX, {what}; times in Asia/Shanghai)\n"
        assert [line for line in done.stderr.splitlines() if "store.url" not in line] == []
    done = CliRunner().invoke(app, ["roster", "lint", "--config", str(path)])
    assert (done.exit_code, done.stdout.endswith(": good (2 people)\n")) == (0, True)


def warnings(folder: Path, text: str) -> list[str]:
    done = checked(folder, '[store]\nurl = "x.db"\n' + text)
    assert done.exit_code == 0, done.stderr
    begin = f"ctid: warning: {folder}/ctid.toml: "
    lines = done.stderr.splitlines()
    assert all(line.startswith(begin) for line in lines)
    return [line.removeprefix(begin) for line in lines if "nobody is paged" not in line]


def test_a_program_that_cannot_be_run_is_a_warning(tmp_path: Path) -> None:
    program = tmp_path / "page"
    text = f'[[channels.command]]\nargv = ["{program}", "--urgent"]\n'
    key = "channels.command[0].argv[0]"
    assert warnings(tmp_path, text) == [
        f"{key}: there is no program {program}: correct the path, or install it"
    ]
    program.write_text("#!/bin/sh\n")
    assert warnings(tmp_path, text) == [f"{key}: {program} cannot be run: chmod 755 it"]
    program.chmod(0o755)
    assert warnings(tmp_path, text) == []


def test_a_weekly_test_of_nothing_is_a_warning(tmp_path: Path) -> None:
    text = '[alert]\nweekly_test = "mon 10:00"\n'
    assert warnings(tmp_path, text) == [
        "alert.weekly_test: there is nothing to try: add a [[channels...]]"
    ]
    assert warnings(tmp_path, text + '[[channels.command]]\nargv = ["/bin/true"]\n') == []


def test_commands_of_anybody_are_a_warning(tmp_path: Path) -> None:
    table = '[[channels.mqtt]]\nhost = "broker.example.org"\n'
    (found,) = warnings(tmp_path, table + "commands = true\n")
    assert found.startswith("channels.mqtt[0].commands: at a broker that lets people in without a ")
    assert warnings(tmp_path, table) == []
    assert warnings(tmp_path, table + 'commands = true\nusername = "ctid"\n') == []


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://push.example.org/send?token=abc", True),
        ("https://push.example.org/send?apikey=abc&to=desk", True),
        ("https://push.example.org/send?access_token=abc", True),
        ("https://hooks.example.com/services/T0123ABCD/B0123ABCD/a1b2C3d4E5f6g7H8i9J0k1L2", True),
        ("https://push.example.org/4f1d2c3b-1111-4222-8333-444455556666", True),
        ("https://push.example.org/v1/alerts?group=desk&keyboard=x", False),
        ("https://push.example.org/a-long-name-that-people-have-written", False),
        ("https://push.example.org/send?token=", False),
    ],
)
def test_a_secret_in_the_address_of_a_webhook_is_a_warning(
    tmp_path: Path, url: str, *, warned: bool
) -> None:
    for table in ("webhook", "channels.webhook"):
        found = warnings(tmp_path, f'[[{table}]]\nurl = "{url}"\n')
        assert [line.split(": ")[0] for line in found] == [f"{table}[0].url"] * warned
        assert not any("abc" in line or "a1b2" in line for line in found)


def test_holidays_without_a_calendar_are_a_warning(tmp_path: Path) -> None:
    line = '[[line]]\nname = "a"\nqueues = ["b"]\nduty = ["holiday 09:00-12:00"{}]\n'
    never = "without a calendar no day is `holiday`, so the line is never on duty: "
    add = 'add `country` to [calendar], such as `country = "CN"`'
    assert warnings(tmp_path, line.format("")) == [f"line[0].duty[0]: {never}{add}"]
    assert warnings(tmp_path, line.format(', "mon-fri 08:00-16:00"')) == [
        f"line[0].duty[0]: without a calendar no day is `holiday`: {add}"
    ]
    calendar = '[calendar]\ncountry = "DE"\n'
    assert warnings(tmp_path, calendar + line.format("")) == []
    assert warnings(tmp_path, calendar + line.format("") + "calendar = false\n") == [
        f"line[0].duty[0]: {never}take `calendar = false` out of this [[line]]"
    ]
    always = line.format("").replace("holiday 09:00-12:00", "24x7")
    assert warnings(tmp_path, always) == []


def test_a_line_elsewhere_with_the_holidays_of_the_desk_is_a_warning(tmp_path: Path) -> None:
    calendar = '[calendar]\ncountry = "HU"\n'
    line = '[[line]]\nname = "a"\nqueues = ["b"]\ntimezone = "Europe/Berlin"\n'

    def warned(text: str) -> list[str]:
        return checked(tmp_path, f'timezone = "Asia/Shanghai"\n{text}').stderr.splitlines()

    (found,) = (told for told in warned(calendar + line) if "line[0]" in told)
    what = "the line has the holidays of HU: write `calendar = true` if it shall"
    assert f"line[0].timezone: {what}, or its own country, such as " in found
    texts = [f"{calendar}{line}calendar = {said}\n" for said in ("true", "false", '"DE"')]
    texts += [line, calendar + line.replace("Europe/Berlin", "Asia/Shanghai")]
    assert not any("line[0]" in told for text in texts for told in warned(text))
