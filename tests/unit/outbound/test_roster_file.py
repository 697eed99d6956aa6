"""The roster in force, while people change its file."""

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ctid.config import Config, load
from ctid.domain.roster import Empty, Role, Roster
from ctid.outbound.loads import Loads
from ctid.outbound.roster_file import RosterFile
from tests.waiting import until

LOADS = Loads(lambda: 0.0)
GOOD = """[[person]]
id = "zhang"
[[shift]]
role = "first_line"
people = ["zhang"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ctid.toml"
    path.write_text('[roster]\nfile = "roster.toml"\n')
    return load(path, read_secrets=False)


def there(roster: Roster) -> list[str]:
    return [person.id for person in roster.on_duty(Role.FIRST_LINE, "a", 0.0)]


def write(tmp_path: Path, text: str) -> None:
    new = tmp_path / "new"
    new.write_text(text)
    os.replace(new, tmp_path / "roster.toml")  # noqa: PTH105 - as editors do it


async def test_a_bad_file_changes_nothing_and_is_told_once(tmp_path: Path, config: Config) -> None:
    made = RosterFile(config, LOADS)
    with capture_logs() as logs:
        await made.refresh()
        await made.refresh()
    (missing,) = logs
    assert missing["event"] == "roster_not_read"
    assert "cannot be read (No such file or directory); correct `[roster] file`" in missing["why"]
    assert made.current() == Empty()
    write(tmp_path, GOOD)
    with capture_logs() as logs:
        await made.refresh()
        await made.refresh()
    assert [entry["event"] for entry in logs] == ["roster_read"]
    assert there(made.current()) == ["zhang"]
    write(tmp_path, GOOD.replace("first_line", "nobody").replace('["zhang', '["zhangg'))
    with capture_logs() as logs:
        await made.refresh()
        await made.refresh()
    assert [(entry["event"], entry["why"].split(": ")[1]) for entry in logs] == [
        ("roster_not_read", "shift[0].role"),
    ]
    assert there(made.current()) == ["zhang"]
    write(tmp_path, GOOD.replace("zhang", "li"))
    await made.refresh()
    assert there(made.current()) == ["li"]


async def test_after_a_reload_the_roster_that_was_is_in_force_until_the_file_is_read(
    tmp_path: Path, config: Config
) -> None:
    write(tmp_path, GOOD)
    old = RosterFile(config, LOADS)
    assert old.load()
    write(tmp_path, "nonsense")
    new = RosterFile(config, LOADS, old.current())
    await new.refresh()
    assert there(new.current()) == ["zhang"]
    (tmp_path / "ctid.toml").write_text("")
    none = RosterFile(load(tmp_path / "ctid.toml", read_secrets=False), LOADS, old.current())
    await none.refresh()
    assert none.current() == Empty()


async def test_the_file_is_followed(tmp_path: Path, config: Config) -> None:
    write(tmp_path, GOOD)
    made = RosterFile(config, LOADS)
    task = asyncio.ensure_future(made.watch(0.01))  # noqa: TID251 - it is cancelled below
    try:
        await until(lambda: there(made.current()) == ["zhang"])
        write(tmp_path, GOOD.replace("zhang", "li"))
        await until(lambda: there(made.current()) == ["li"])
    finally:
        task.cancel()
