"""What `ctid alerts test` says: who is paged by what, and what became of the first pages."""

import time
from typing import Any

import typer

from ctid.alert_output import readable
from ctid.cli.alert_story import tried
from ctid.cli.asking import Asking
from ctid.cli.common import fail
from ctid.store import alert_queries
from ctid.store.alert_queries import PageRow
from ctid.store.pages import PageState

_LOOK_SECONDS = 0.25


def announce(alert: dict[str, Any]) -> None:
    """Say who is paged; ends the command where that is nobody."""
    number = alert["number"]
    empty = ", ".join(alert["empty_roles"])
    if not alert["paged"]:
        roles = f" ({empty})" if empty else ""
        fail(f"alert {number}: nobody is on duty for {alert['line']}{roles}, so nobody is paged")
    ends = f"it ends by itself, or by `ctid alerts resolve {number} --why WHY`"
    typer.echo(f"alert {number}: a test of {alert['line']}; {ends}.\nThis pages:")
    for one in alert["paged"]:
        role = f" ({one['role']})" if one["role"] else ""
        ways = ", then ".join(one["channels"]) or "nothing: no channel is configured for them"
        typer.echo(f"  {one['name']}{role} by {ways}")
    if empty:
        typer.echo(f"Nobody is {empty} now: a step that pages only them is passed over.")


def follow(database: Asking, alert: dict[str, Any], seconds: float) -> None:
    """Print what becomes of each of the first pages; ends with 1 where one did not arrive."""
    began, number = time.monotonic(), alert["number"]
    said: dict[int, tuple[int, PageState]] = {}
    while True:
        rows = database.get(alert_queries.pages_of(database.reader, number))
        pages = [page for page in rows if page.seq < alert["pages"]]
        for page in pages:
            _say_what_is_new(page, said, time.monotonic() - began)
        waiting = [page for page in pages if page.state is PageState.PENDING]
        if len(pages) == alert["pages"] and not waiting:
            break
        if time.monotonic() - began >= seconds:
            for page in waiting:
                why = f": {readable(page.detail or page.reason or '')}" if page.reason else ""
                typer.echo(f"{page.recipient}: still waits for {page.channel}{why}")
            break
        time.sleep(_LOOK_SECONDS)
    arrived = sum(page.state is PageState.DELIVERED for page in pages)
    if arrived < alert["pages"]:
        fail(f"alert {number}: {arrived} of {alert['pages']} were delivered")
    typer.echo(f"alert {number}: all {arrived} were delivered")


def _say_what_is_new(page: PageRow, said: dict[int, tuple[int, PageState]], elapsed: float) -> None:
    before, state = said.get(page.seq, (0, PageState.PENDING))
    for left in page.tried[before:]:
        typer.echo(f"{page.recipient}: {tried(left)}")
    if page.state is not state:
        why = readable(page.detail or page.reason or "")
        told = {
            PageState.DELIVERED: f"delivered by {page.channel}, {elapsed:.1f} s",
            PageState.FAILED: f"not delivered: {why}",
            PageState.DROPPED: "not sent: the test was over before",
            PageState.PENDING: f"waits for {page.channel}",
        }
        typer.echo(f"{page.recipient}: {told[page.state]}")
    said[page.seq] = (len(page.tried), page.state)
