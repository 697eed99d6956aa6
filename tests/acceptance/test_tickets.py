"""From a telephone to a ticket: SIPp calls over a real Asterisk end in a real Request Tracker."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from lab.daemon import Ctid
from lab.needs import need
from lab.play import Player, server
from lab.scenarios import TABLE

from tests.integration.tickets.real import rt as request_tracker
from tests.integration.tickets.real.rt import Rt

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rt]:
    if not request_tracker.installed():
        pytest.skip(request_tracker.MISSING)
    running = request_tracker.prepare(tmp_path_factory.mktemp("rt"))
    running.program.start()
    yield running
    running.program.kill()


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    need("22")
    pbx = server("22", tmp_path_factory.mktemp("asterisk"))
    try:
        pbx.start()
        yield Player(pbx)
    finally:
        pbx.stop()


def asked(rt: Rt, path: str) -> Any:
    request = urllib.request.Request(
        f"{rt.program.url}/REST/2.0/{path}",
        headers={"Authorization": f"token {rt.token('zhang')}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.loads(answer.read())


def ticket_of(rt: Rt, key: str) -> tuple[dict[str, Any], list[str]]:
    """The one ticket with this key, and all that stands in it, oldest first."""
    query = f"'CF.{{CallKey}}' = '{key}'"
    found = asked(rt, f"tickets?query={quote(query)}")
    assert found["total"] == 1
    number = found["items"][0]["id"]
    written = asked(rt, f"ticket/{number}/attachments?fields=Content&per_page=100&orderby=id")
    return asked(rt, f"ticket/{number}"), [item["Content"] for item in written["items"]]


def until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


def all_delivered(ctid: Ctid, number: int) -> bool:
    rows = ctid.deliveries()
    return len(rows) >= number and all(row["state"] == "delivered" for row in rows)


def test_calls_of_sipp_end_as_tickets_in_request_tracker(
    rt: Rt, player: Player, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(rt.token())
    token.chmod(0o600)
    tables = f"""
[tickets]
language = "en"

[[rt]]
url = "{rt.program.url}"
token_file = "{token}"
queue = "Telephony"
"""
    by_name = {scenario.name: scenario for scenario in TABLE}
    with Ctid(tmp_path / "ctid", player.server.ports.ami, tables=tables) as ctid:
        stages: set[str] = set()
        done = threading.Event()

        def watch() -> None:
            """What the ticket system has while the agent still talks."""
            while not done.wait(0.05):
                stages.update(row["stage"] for row in ctid.deliveries() if row["sent_revision"])

        watching = threading.Thread(target=watch)
        watching.start()
        player.play(by_name["queue_ringall"])
        until(partial(all_delivered, ctid, 1), 90.0)
        player.play(by_name["queue_abandon"])
        until(partial(all_delivered, ctid, 2), 90.0)
        done.set()
        watching.join()
        rows, records = ctid.deliveries(), ctid.records()
        assert ctid.stop() == 0, ctid.log_tail()
    assert [row["state"] for row in rows] == ["delivered"] * 2, rows
    assert "talking" in stages
    answered, missed = (
        next(record for record in records if record["outcome"] == outcome)
        for outcome in ("answered", "missed")
    )
    ticket, texts = ticket_of(rt, f"ctid:ctid:lab:{answered['uniqueid']}")
    assert answered["caller_number"] in ticket["Subject"].replace(" ", "")
    assert len(texts) == 2
    assert "talking" in texts[0].lower()
    assert answered["agent"] in texts[1]
    task, (text, *_) = ticket_of(rt, f"ctid:ctid:lab:{missed['uniqueid']}")
    assert missed["caller_number"] in task["Subject"].replace(" ", "")
    assert "call back" in text.lower()
    assert task["Due"].startswith("20")
