"""`ctid alerts` where no daemon runs: what it shows."""

import asyncio
import csv
import io
import json
import os
import pwd
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ctid.alert_output import LISTED, SILENCE_FIELDS
from ctid.domain.alerts import Acknowledged, Firing, Kind
from ctid.domain.batch import Batch
from ctid.store import pages
from ctid.store.migrate import upgrade
from ctid.store.pages import PageState, Settlement
from ctid.store.recorder import Store
from tests import alerts as made
from tests.desk import CONFIG
from tests.integration.cli.conftest import Ctid
from tests.integration.cli.settled import LEFT, lines, settlement

ME = pwd.getpwuid(os.getuid()).pw_name
NONE_RUNS = "ctid: no daemon runs: this is how it stood when it ended\n"


# -- without a daemon -----------------------------------------------------------------------------


FIRING = made.alert(1)
TAKEN = replace(
    FIRING,
    number=2,
    kind=Kind.BLIND,
    line="server",
    state=Acknowledged(made.LIMIT, made.LIMIT + 60.0, "Wang Wu", "call 13812345678"),
)
OVER = made.over(3)
PAGES = (
    made.page(3),
    replace(made.page(3, 1), recipient=made.LEAD, alert=OVER),
    replace(made.page(3, 2), alert=OVER, decided_at=made.LIMIT + 60.0),
)
QUIET = made.silence(1, ends_at=4_102_448_400.0, lines=frozenset({"server"}), kinds=frozenset())


def became(claim: pages.Claim) -> Settlement:
    if claim.seq == 0:
        return settlement(claim, PageState.DELIVERED, channel="mail", tried=(LEFT,))
    if claim.seq == 1:
        why = {"reason": "timeout", "detail": "no answer within 5 s", "settled_at": None}
        return settlement(claim, PageState.PENDING, **why)
    return settlement(claim, PageState.DROPPED, detail="it was over before")


async def fill(url: str) -> None:
    await upgrade(url)
    async with await Store.open(url) as store:
        await store.commit(Batch(alerts=(FIRING, TAKEN, OVER), pages=PAGES, silences=(QUIET,)))

        async def settle(connection: Any) -> None:
            claims = await pages.claim(connection, "robot", made.LIMIT, made.LIMIT + 9, 9)
            await pages.settle(connection, [became(claim) for claim in claims])

        await store.transaction(settle)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("d")
    asyncio.run(fill(str(folder / "ctid.sqlite3")))
    (folder / "ctid.toml").write_text(CONFIG)
    return folder / "ctid.toml"


def test_what_is_open_and_what_is_silent(ctid: Ctid, config: Path) -> None:
    done = ctid("alerts", "list", "--config", config)
    assert (done.exit_code, done.stderr) == (0, NONE_RUNS)
    this_year = time.gmtime().tm_year == 2026
    day = "11-27" if this_year else "2026-11-27"
    assert lines(done.stdout) == [
        "alert state kind line since fired by what",
        f"2 acknowledged, silenced blind server {day} 09:00 {day} 09:15 Wang Wu call 138******78",
        f"1 firing unanswered network {day} 09:00 {day} 09:15",
        "",
        "silences:",
        "",
        "silence lines kinds from until by why",
        f"1 server all {day} 09:00 2100-01-01 09:00 Zhang San the PBX is moved",
    ]


def test_programs_get_every_field(ctid: Ctid, config: Path) -> None:
    done = ctid("alerts", "list", "--all", "--format", "json", "--config", config)
    rows = json.loads(done.stdout)
    assert [row["number"] for row in rows] == [3, 2, 1]
    assert [row["state"] for row in rows] == ["resolved", "acknowledged", "firing"]
    assert [row["silenced"] for row in rows] == [False, True, False]
    assert all(tuple(row) == LISTED for row in rows)
    assert rows[0]["ended_at"] == "2026-11-27T01:16:00.000000Z"
    text = ctid("alerts", "history", "--from", "2026-01-01", "--format", "csv", "--config", config)
    cells = list(csv.DictReader(io.StringIO(text.stdout)))
    assert [cell["number"] for cell in cells] == ["3", "2", "1"]
    assert tuple(cells[0]) == LISTED
    done = ctid("alerts", "list", "--silences", "--format", "json", "--config", config)
    (quiet,) = json.loads(done.stdout)
    assert tuple(quiet) == SILENCE_FIELDS
    assert (quiet["lines"], quiet["kinds"]) == (["server"], [])


def test_history_of_a_line_and_a_time(ctid: Ctid, config: Path) -> None:
    def numbers(*arguments: str) -> list[int]:
        done = ctid("alerts", "history", "--format", "json", "--config", config, *arguments)
        return [row["number"] for row in json.loads(done.stdout)]

    assert numbers("--from", "2026-01-01", "--line", "server") == [2]
    assert numbers("--from", "2026-11-27T09:16:01") == [2, 1]  # what is not over yet is of now
    assert numbers("--from", "2026-01-01", "--limit", "1") == [3]
    done = ctid("alerts", "history", "--from", "2026-01-01", "--limit", "1", "--config", config)
    assert done.stderr == NONE_RUNS + "ctid: only 1 are shown; --limit 0 shows all\n"
    for arguments, said in (
        (("--line", "x"), "--line x: no such line; there are: network, server"),
        (("--from", "x"), "--from 'x' is no time: write 2026-11-25, 2026-11-25T08:30 or"),
    ):
        done = ctid("alerts", "history", "--config", config, *arguments)
        assert (done.exit_code, done.stderr.startswith(f"ctid: {said}")) == (2, True)


def test_why_nobody_was_paged(ctid: Ctid, config: Path) -> None:
    def last_line(number: str, path: Path = config) -> str:
        return ctid("alerts", "show", number, "--config", path).stdout.splitlines()[-1]

    alone = ", and [alert] channels names none"
    assert last_line("1") == f"nobody was paged: there is nobody on a roster{alone}"
    assert last_line("2") == "nobody was paged: it is silenced"
    hook = '[[channels.webhook]]\nurl = "http://127.0.0.1:9/"\n'
    told, roster = config.with_name("told.toml"), config.with_name("roster.toml")
    told.write_text(CONFIG + hook + '[alert]\nchannels = ["webhook"]\n')
    assert last_line("1", told) == "nobody was paged"
    told.write_text(CONFIG + hook + '[roster]\nfile = "roster.toml"\n')
    roster.write_text(
        '[[person]]\nid = "li"\nname = "Li"\nchannels = ["webhook"]\n'
        '[[shift]]\nrole = "second_line"\npeople = ["li"]\n'
    )
    assert last_line("1", told) == "nobody was paged"  # everyone is told in the end
    told.write_text(told.read_text() + "[[escalation]]\nafter_minutes = 0\nto = ['first_line']\n")
    assert last_line("1", told) == f"nobody was paged: nobody is on duty as first_line{alone}"
    roster.write_text("[[shift]]")
    assert last_line("1", told) == "nobody was paged: the roster cannot be read: ctid roster lint"


def test_a_first_page_that_waits_is_no_page_to_nobody(ctid: Ctid, tmp_path: Path) -> None:
    async def filled() -> None:
        waiting = made.alert(state=Firing(made.LIMIT, 0, 4_102_448_400.0), paged=(), pages=0)
        await upgrade(str(tmp_path / "ctid.sqlite3"))
        async with await Store.open(str(tmp_path / "ctid.sqlite3")) as store:
            await store.commit(Batch(alerts=(waiting,)))

    asyncio.run(filled())
    (tmp_path / "ctid.toml").write_text(CONFIG)
    done = ctid("alerts", "show", "1", "--config", tmp_path / "ctid.toml")
    assert done.stdout.endswith("\n\nnobody was paged yet: waits until 2100-01-01 09:00\n")


def test_the_whole_story(ctid: Ctid, config: Path) -> None:
    done = ctid("alerts", "show", "3", "--config", config)
    assert done.exit_code == 0
    assert lines(done.stdout) == [
        "alert 3: unanswered on network, resolved",
        "NO ANSWER SEEN 15 min: 网络专业热线, 1 waiting",
        "",
        "2026-11-27 09:00:00 begins",
        "2026-11-27 09:15:00 fires",
        "2026-11-27 09:15:00 firing: Li Si (duty), delivered by mail at 09:15:02",
        "robot did not take it: errcode 310000 for 139******02",
        "2026-11-27 09:15:00 firing: Wang Wu (lead), waits for robot: no answer within 5 s",
        "2026-11-27 09:16:00 over: answered by Li Si",
        "2026-11-27 09:16:00 firing: Li Si (duty), not sent: it was over before",
    ]
    for number in ("13900000002", made.NUMBER):
        assert number not in done.stdout
    whole = json.loads(ctid("alerts", "show", "3", "--format", "json", "--config", config).stdout)
    assert [page["state"] for page in whole["pages"]] == ["delivered", "pending", "dropped"]
    assert whole["pages"][0]["tried"] == [
        {
            "channel": "robot",
            "at": "2026-11-27T01:15:01.000000Z",
            "reason": "rejected",
            "detail": "errcode 310000 for 139******02",
        }
    ]
    assert whole["subject"]["waiting"][0]["number"] == "138******01"
    done = ctid("alerts", "show", "9", "--config", config)
    assert (done.exit_code, done.stderr) == (
        1,
        "ctid: there is no alert 9; `ctid alerts list --all` shows them\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ack", "1"), 1, "no daemon answers there; is ctid running (systemctl status ctid)?"),
        (("ack", "x"), 2, "NUMBER: must be a valid integer"),
        (("resolve", "1", "--why", " "), 2, "--why is empty: say why it is over"),
        (("silence", "--why", "x"), 2, "say how long: --for 2h, or --until 22:00"),
        (("silence", "--why", "x", "--for", "1h", "--until", "22:00"), 2, "--for and --until both"),
        (("silence", "--why", "x", "--for", "2"), 2, "'2' is no length of time: write 30m, 2h, "),
        (("silence", "--why", "x", "--until", "25:00"), 2, "'25:00' is no time: write 22:00 or 2"),
        (
            ("silence", "--why", "x", "--for", "2h", "--kind", "x"),
            2,
            "--kind: 'x' is not one of un",
        ),
        (("incident", " "), 2, "TITLE is empty: say what happened"),
    ],
)
def test_wrong_use_is_one_line(
    ctid: Ctid, config: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = ctid("alerts", *arguments, "--config", config)
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1)
    assert said in done.stderr


# -- with one -------------------------------------------------------------------------------------
