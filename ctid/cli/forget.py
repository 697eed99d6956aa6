"""`ctid forget`: a caller's number leaves the records."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.control import ask

_SHOWN: Final = 20


def forget(
    *,
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="The caller's number as it was recorded.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take a caller's number and name out of the records.

    The running daemon does it, in all ended calls. It cannot be undone.
    """
    if not number.strip():
        fail("NUMBER is empty: write the caller's number as it was recorded", 2)
    loaded = load_known(config)
    if not yes:
        _confirm(number)
    answer = ask(loaded, "POST", "/v1/forget", {"number": number})
    calls, tickets = answer["calls"], answer["tickets"]
    if not calls:
        fail(f"{number}: no ended call has this number; nothing was changed")
    typer.echo(f"forgotten in {calls} {'call' if calls == 1 else 'calls'}; backups still have it")
    if tickets:
        typer.echo(f"these tickets were made with it, and still have it: {_named(tickets)}")


def _named(tickets: Iterable[Mapping[str, str]]) -> str:
    """`rt 7, 12; redmine 3`."""
    of: dict[str, list[str]] = {}
    for each in tickets:
        of.setdefault(each["backend"], []).append(each["ticket"])
    return "; ".join(f"{backend} {_few(ids)}" for backend, ids in of.items())


def _few(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more


def _confirm(number: str) -> None:
    if not sys.stdin.isatty():
        fail("this cannot be undone, and there is no terminal to ask at: give --yes", 2)
    question = f"Take {number} out of all ended calls? This cannot be undone"
    if not typer.confirm(question, err=True):
        fail("nothing was changed")
