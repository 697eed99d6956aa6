"""`ctid check-config`: everything that is wrong in a configuration, at once."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ctid.cli import roster_lint
from ctid.cli.common import (
    DEFAULT_CONFIG,
    ConfigFile,
    fail,
    load_config,
    see_calendar,
    see_roster,
    see_templates,
)
from ctid.config import Config
from ctid.config.doubts import doubts
from ctid.store.address import database_at


def check_config(
    *,
    secrets: Annotated[
        bool,
        typer.Option(help="Read the secrets, too; credentials are only there for the service."),
    ] = True,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say everything that is wrong in a configuration."""
    loaded = load_config(Path(config), read_secrets=secrets)
    if loaded.tickets.templates is not None:
        see_templates(loaded)
    if loaded.contacts.file is not None:
        _see_contacts(loaded, Path(loaded.contacts.file))
    if "timezone" not in loaded.model_fields_set:
        typer.echo(
            f"ctid: warning: {config}: no `timezone`, so duty hours, days and all times are those "
            'of UTC: write timezone = "Asia/Shanghai" above the first [table]',
            err=True,
        )
    see_calendar(loaded)
    if loaded.roster.file is not None:
        plan = see_roster(loaded)
        _tell_lint(loaded.roster.file, roster_lint.lint(plan, loaded, time.time()))
    elif loaded.channels.all() and not loaded.alert.channels:
        typer.echo(
            f"ctid: warning: {config}: there are channels, and nobody is paged by them: name "
            "people in [roster] file, or channels that hear of every alert in [alert] channels",
            err=True,
        )
    if not loaded.line:
        typer.echo(f"ctid: warning: {config}: no [[line]], so no call is a hotline's", err=True)
    for key, what in doubts(loaded):
        typer.echo(f"ctid: warning: {config}: {key}: {what}", err=True)
    for key, folder in _missing(loaded):
        typer.echo(
            f"ctid: warning: {config}: {key}: there is no folder {folder}: make it, so that ctid's "
            "user may write there (systemd makes /var/lib/ctid and /run/ctid itself)",
            err=True,
        )
    counted = [_number(len(loaded.pbx), "PBX"), _number(len(loaded.line), "line")]
    if backends := loaded.backends():
        counted.append(_number(len(backends), "ticket system"))
    if channels := loaded.channels.all():
        counted.append(_number(len(channels), "channel"))
    typer.echo(f"{config}: good ({', '.join(counted)}; times in {loaded.timezone})")


def _tell_lint(file: str, found: list[dict[str, Any]]) -> None:
    """Each doubt; of the hours without anybody, which may be many, only that there are some."""
    for row in found:
        if "begins_at" not in row:
            typer.echo(f"ctid: warning: {file}: {row['what']}", err=True)
    if errors := sum(row["severity"] == "error" for row in found):
        typer.echo(
            f"ctid: warning: {file}: {_number(errors, 'error')}: ctid roster lint tells which",
            err=True,
        )


def _number(of: int, what: str) -> str:
    return f"{of} {what}" if of == 1 else f"{of} {what}s"


def _see_contacts(config: Config, file: Path) -> None:
    """Rows that cannot be used are warnings, as in the daemon, which goes on without them."""
    from ctid.outbound.contact_rows import ContactsError  # noqa: PLC0415 - the same
    from ctid.outbound.contacts import ContactDirectory  # noqa: PLC0415 - the same

    names = [line.name for line in config.line]
    try:
        report = ContactDirectory(file, config.numbering(), names).load()
    except ContactsError as error:
        fail(str(error), 2)
    for why in report.lines(file) if report is not None else ():
        typer.echo(f"ctid: warning: {why}", err=True)


def _missing(config: Config) -> Iterator[tuple[str, Path]]:
    """The folders in which ctid makes files, and that are not there."""
    files = {"store.url": database_at(config.store.url).path}
    if config.control.socket:
        files["control.socket"] = Path(config.control.socket)
    files |= {f"file[{n}].path": Path(table.path) for n, table in enumerate(config.file)}
    for key, file in files.items():
        if file is not None and not file.parent.is_dir():
            yield key, file.parent
