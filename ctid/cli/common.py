"""What several commands share: the configuration and the way to fail."""

import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ctid import config
from ctid.config import roster
from ctid.config.holidays import CHINA, NAME
from ctid.domain.calendar import calendar_ending
from ctid.domain.days import local_day
from ctid.domain.roster import Plan
from ctid.store.address import database_at

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration, a TOML file.")
]
DEFAULT_CONFIG = Path("/etc/ctid/ctid.toml")


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong on standard error and end: 1 it failed, 2 it was used wrongly."""
    for line in message.splitlines():
        typer.echo(f"ctid: {line}", err=True)
    raise typer.Exit(code)


def fail_no_text() -> NoReturn:
    """End the command for an argument whose bytes are no text.

    The shell's bytes are kept as lone surrogates, which neither database nor daemon takes.
    """
    fail("what was asked for is not UTF-8 text; is the terminal's character set UTF-8?", 2)


def load_config(path: Path, *, read_secrets: bool) -> config.Config:
    """The configuration; ends the command with all its mistakes, one a line."""
    try:
        loaded = config.load(path, read_secrets=read_secrets)
    except config.ConfigError as error:
        fail(str(error), 2)
    return _usable(loaded, path)


def load_known(path: Path, needed: Collection[str] = ()) -> config.Config:
    """The configuration, for commands that only have to find database and daemon.

    A file with mistakes is read as far as it goes, and warned of; where the mistakes may concern
    what is `needed`, such as `timezone`, they end the command.
    """
    try:
        loaded, mistakes = config.load_leniently(path, needed)
    except config.ConfigError as error:
        fail(str(error), 2)
    if mistakes:
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        typer.echo(
            f"ctid: warning: {mistakes[0]}{more}\nctid: warning: so this goes by the rest of the "
            "file, and the daemon by what it read before: ctid check-config",
            err=True,
        )
    return _usable(loaded, path)


def _usable(loaded: config.Config, path: Path) -> config.Config:
    try:
        database_at(loaded.store.url)
    except ValueError as error:
        fail(f"{path}: store.url: {error}", 2)
    for warning in loaded.warnings:
        typer.echo(f"ctid: warning: {warning}", err=True)
    return loaded


def see_templates(loaded: config.Config) -> None:
    """End the command with all that is wrong in the operator's templates."""
    from ctid import tickets  # noqa: PLC0415 - few commands need them

    try:
        tickets.see_templates(loaded)
    except config.ConfigError as error:
        fail(str(error), 2)


def see_calendar(loaded: config.Config) -> None:
    """Warn where holidays are not known for long any more."""
    today = local_day(time.time(), loaded.timezone)
    for calendar in loaded.calendars():
        if not calendar_ending(calendar, today):
            continue
        ways = []
        if NAME.fullmatch(calendar.name):
            package = "chinesecalendar" if calendar.name == CHINA else "holidays"
            ways.append(f"upgrade the package {package}")
        if calendar == loaded.calendar.days:
            ways.append(
                "write later ones and `known_until` into the override file, [calendar] overrides"
            )
        typer.echo(
            f"ctid: warning: holidays of {calendar.name} are known only until "
            f"{calendar.known_until}: {', or '.join(ways)}",
            err=True,
        )


def doubt_roster(loaded: config.Config) -> None:
    """Warn where the file on disk is none that a daemon could use: it goes on without."""
    file = loaded.roster.file
    if file is None or (Path(file).exists() and not os.access(file, os.R_OK)):
        return  # what this user may not read the daemon may
    try:
        roster.load(Path(file), roster.surroundings(loaded))
    except config.ConfigError as error:
        typer.echo(
            f"ctid: warning: {error.problems[0]}\nctid: warning: so the daemon goes on with the "
            "roster that it read before; if it has read none since its start, nobody on it is "
            "paged: ctid roster lint",
            err=True,
        )


def see_roster(loaded: config.Config, code: int = 2) -> Plan:
    """The roster; ends the command where there is none, or with all that is wrong in it."""
    if loaded.roster.file is None:
        fail('there is no roster: name its file, [roster] file = "/etc/ctid/roster.toml"', 2)
    try:
        return roster.load(Path(loaded.roster.file), roster.surroundings(loaded))
    except config.ConfigError as error:
        fail(str(error), code)


def pbx_named(loaded: config.Config, name: str, path: Path) -> config.Pbx:
    """The [[pbx]] of this name, the first one if it is empty; ends the command where none is."""
    found = next((table for table in loaded.pbx if name in ("", table.name)), None)
    if found is None:
        names = ", ".join(table.name for table in loaded.pbx)
        fail(f"--pbx {name}: no such [[pbx]] in {path}; there are: {names}", 2)
    return found
