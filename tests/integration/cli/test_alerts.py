"""`ctid alerts`, with a running desk and without: what it shows, and what it changes."""

import asyncio
import csv
import io
import json
import os
import pwd
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ctid.alert_output import LISTED, SILENCE_FIELDS
from ctid.domain.alerts import Acknowledged, Firing, Incident, Kind, Resolved, Silence
from ctid.domain.batch import Batch
from ctid.domain.roster import Role
from ctid.store import alert_queries, pages
from ctid.store.migrate import upgrade
from ctid.store.pages import PageState, Settlement, Tried
from ctid.store.recorder import Store
from tests import alerts as made
from tests.desk import CONFIG, WANG, Desk, Names, Now, opened
from tests.integration.cli.conftest import Ctid
from tests.integration.cli.processes import ran_aloud

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


def settlement(claim: pages.Claim, state: PageState, **values: Any) -> Settlement:
    whole = Settlement(
        alert=claim.alert,
        seq=claim.seq,
        lease_until=claim.lease_until,
        state=state,
        route=claim.route,
        channel=claim.channel,
        address=claim.address,
        next_at=claim.due_at,
        attempts=1,
        began_at=claim.began_at,
        route_at=claim.route_at,
        tried=(),
        reason=None,
        detail=None,
        settled_at=made.LIMIT + 2.0,
        message_key=None,
    )
    return whole._replace(**values)


LEFT = Tried("robot", made.LIMIT + 1.0, "rejected", "errcode 310000 for 13900000002")


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


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


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


@pytest.fixture
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with opened(tmp_path_factory.mktemp("d"), Now()) as desk:
        yield desk


async def type_(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and all that a command said."""
    return await ran_aloud(folder / "ctid.toml", "alerts", *arguments, seconds=60)


async def test_an_incident_from_its_report_to_its_end(running: Desk) -> None:
    folder = running.folder
    assert await type_(folder, "incident", "core switch", "--line", "network") == (
        0,
        "alert 1: opened; paged: 李四, Wang Wu\n",
    )
    status, said = await type_(folder, "list")
    assert (status, "no daemon" in said) == (0, False)
    assert lines(said)[1].startswith("1 firing incident network")
    assert lines(said)[1].endswith("core switch")
    assert await type_(folder, "ack", "1", "--why", "on my way") == (
        0,
        f"alert 1: acknowledged by {ME}; 2 recipients will be told\n",
    )
    _, said = await type_(folder, "list")
    assert lines(said)[1].endswith(f"{ME} core switch (on my way)")
    (one,) = running.desk.open_alerts()
    assert isinstance(one.alert.state, Acknowledged)
    assert (one.alert.state.by, one.alert.state.why) == (ME, "on my way")
    assert await type_(folder, "resolve", "1", "--why", "replaced") == (
        0,
        f"alert 1: resolved by {ME}; 2 recipients will be told\n",
    )
    async with running.reader() as reader:
        alert = await alert_queries.find_alert(reader, 1)
    assert alert is not None
    assert isinstance(alert.state, Resolved)
    for listed in (("list", "--all"), ("history",)):
        assert lines((await type_(folder, *listed))[1])[1].endswith(" core switch (replaced)")
        (row,) = json.loads((await type_(folder, *listed, "--format", "json"))[1])
        assert (row["title"], row["why"]) == ("core switch", "replaced")
    assert await type_(folder, "ack", "1") == (
        1,
        "ctid: no alert 1 is open; `ctid alerts list` shows them\n",
    )


async def test_who_takes_care_already(running: Desk) -> None:
    await running.desk.incident("network", "core switch", "root")
    await running.desk.incident("network", "dark", "root")
    await running.desk.acknowledge(1, "Wang Wu")
    assert await type_(running.folder, "ack", "2", "--why", "on my way") == (
        0,
        f"alert 2: acknowledged by {ME}; 2 recipients will be told\n",
    )
    for number, who in (("1", "Wang Wu"), ("2", ME)):
        status, said = await type_(running.folder, "ack", number, "--why", "not again")
        because = " (reason: on my way)" if number == "2" else ""
        assert status == 0
        assert re.fullmatch(
            rf"alert {number}: already acknowledged by {who} at \d\d:\d\d{re.escape(because)}; "
            r"nothing was changed\n",
            said,
        )
    async with running.reader() as reader:
        pages = await alert_queries.pages_of(reader, 2)
    assert [page.event.value for page in pages] == ["firing"] * 2 + ["acknowledged"] * 2


async def test_for_whom_it_was_done_stands_everywhere(running: Desk) -> None:
    folder, li = running.folder, f"Li Si via {ME}"
    by = ("--by", " Li Si ")
    assert (await type_(folder, "incident", "core switch", "--line", "network", *by))[0] == 0
    assert await type_(folder, "ack", "1", *by) == (
        0,
        f"alert 1: acknowledged by {li}; 2 recipients will be told\n",
    )
    assert lines((await type_(folder, "list"))[1])[1].endswith(f"{li} core switch")
    status, said = await type_(folder, "silence", "--for", "1h", "--why", "known", *by)
    assert status == 0, said
    (silence,) = running.desk.silences()
    assert silence.owner == li
    assert await type_(folder, "resolve", "1", "--why", "replaced", *by) == (
        0,
        f"alert 1: resolved by {li}; 2 recipients will be told\n",
    )
    (row,) = json.loads((await type_(folder, "history", "--format", "json"))[1])
    assert (row["acknowledged_by"], row["resolved_by"]) == (li, li)
    async with running.reader() as reader:
        alert = await alert_queries.find_alert(reader, 1)
    assert alert is not None
    assert isinstance(alert.subject, Incident)
    assert alert.subject.by == li
    status, said = await type_(folder, "ack", "1", "--by", "x" * 81)
    assert (status, said) == (1, 'ctid: "by" must be a name of at most 80 characters\n')


async def test_a_mistake_in_the_file_keeps_nobody_from_the_running_daemon(running: Desk) -> None:
    await running.desk.incident("network", "core switch", "root")
    file = running.folder / "ctid.toml"
    file.write_text(CONFIG + 'duty = ["mon-sun 9:00"]\n[alert]\nlimit = 3\n')
    warned = f"ctid: warning: {file}:14: line[1].duty[0]: `mon-sun 9:00` is no duty entry: "
    for arguments, said in (
        (("ack", "1"), f"alert 1: acknowledged by {ME}; 2 recipients will be told\n"),
        (("list",), "core switch\n"),
        (("silence", "--for", "1h", "--why", "x"), ""),
        (("silence", "--until", "22:00", "--why", "x"), ""),
    ):
        status, told = await type_(running.folder, *arguments)
        assert (status, told.startswith(warned), told.endswith(said)) == (0, True, True), told
        assert told.splitlines()[0].endswith(" (and 1 more)")
        assert told.splitlines()[1] == (
            "ctid: warning: so this goes by the rest of the file, and the daemon by what it read "
            "before: ctid check-config"
        )
    file.write_text(CONFIG.replace('"Asia/Shanghai"', "Asia/Shanghai"))
    status, told = await type_(running.folder, "silence", "--until", "22:00", "--why", "x")
    assert (status, told.startswith(f"ctid: {file}:1: is no value")) == (2, True)
    status, told = await type_(running.folder, "silence", "--for", "2h", "--why", "x")
    assert (status, told.startswith(f"ctid: warning: {file}:1: is no value")) == (0, True)
    file.write_text(CONFIG.replace('url = "', "url = "))
    assert (await type_(running.folder, "list"))[0] == 2


async def test_a_silence_by_its_length_and_by_its_end(running: Desk) -> None:
    folder, now = running.folder, time.time()
    status, said = await type_(
        *(folder, "silence", "--line", "network", "--kind", "blind", "--kind", "incident"),
        *("--for", "2h", "--why", "the PBX is moved"),
    )
    assert (status, said.startswith("silence 1: blind, incident of network, until ")) == (0, True)
    (quiet,) = running.desk.silences()
    assert isinstance(quiet, Silence)
    assert (quiet.owner, quiet.why) == (ME, "the PBX is moved")
    assert quiet.ends_at - quiet.begins_at == pytest.approx(7200.0)
    assert quiet.begins_at == pytest.approx(now, abs=30.0)
    status, said = await type_(folder, "incident", "dark", "--line", "network")
    assert (status, said) == (0, "alert 1: opened; nobody is paged: a silence holds\n")
    assert await type_(folder, "unsilence", "1") == (0, "silence 1: ended\n")
    status, said = await type_(
        *(folder, "silence", "--from", "2090-01-01T22:00", "--until", "06:00", "--why", "x")
    )
    assert (status, said) == (
        0,
        "silence 2: all kinds of all lines, from 2090-01-01 22:00 until 2090-01-02 06:00\n",
    )
    status, said = await type_(folder, "silence", "--line", "x", "--for", "1h", "--why", "x")
    assert (status, said) == (1, "ctid: x: no such line; there are: network, server\n")


async def deliver(desk: Desk, became: dict[str, tuple[PageState, tuple[Tried, ...]]]) -> None:
    """Do what channels would do, as soon as there is a page for each."""
    settled: set[str] = set()

    async def work(connection: Any) -> list[pages.Claim]:
        found = await pages.claim(connection, "robot", time.time(), time.time() + 60, 9)
        found = [claim for claim in found if claim.recipient in became]
        await pages.settle(
            connection,
            [
                settlement(
                    claim,
                    became[claim.recipient][0],
                    tried=became[claim.recipient][1],
                    detail="errcode 310000",
                    reason="rejected",
                )
                for claim in found
            ],
        )
        return found

    while settled != set(became):
        settled |= {claim.recipient for claim in await desk.store.transaction(work)}
        await asyncio.sleep(0.05)


async def test_a_test_says_what_became_of_each_page(running: Desk) -> None:
    async with asyncio.TaskGroup() as tasks:
        all_of_them = {"李四": (PageState.DELIVERED, (LEFT,)), "Wang Wu": (PageState.DELIVERED, ())}
        tasks.create_task(deliver(running, all_of_them))
        status, said = await type_(running.folder, "test", "network", "--seconds", "40")
    assert status == 0, said
    head, told = said.splitlines()[:4], said.splitlines()[4:]
    assert head == [
        "alert 1: a test of network; it ends by itself, or by `ctid alerts resolve 1 --why WHY`.",
        "This pages:",
        "  李四 (first_line) by robot, then mail",
        "  Wang Wu (first_line) by robot",
    ]
    assert told[-1] == "alert 1: all 2 were delivered"
    assert "李四: robot did not take it: errcode 310000 for 139******02" in told
    assert any(line.startswith("Wang Wu: delivered by robot, ") for line in told)


async def test_a_page_that_does_not_arrive_fails_the_test(running: Desk) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(deliver(running, {"李四": (PageState.FAILED, ())}))
        status, said = await type_(running.folder, "test", "network", "--seconds", "4")
    assert status == 1
    assert "李四: not delivered: errcode 310000" in said.splitlines()
    assert "Wang Wu: still waits for robot" in said.splitlines()
    assert said.splitlines()[-1] == "ctid: alert 1: 0 of 2 were delivered"


async def test_a_test_names_the_steps_that_page_nobody(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("d")
    async with opened(folder, Now(), names=Names({Role.DUTY_LEAD: [WANG]})):
        status, said = await type_(folder, "test", "network", "--no-wait")
    assert (status, said.splitlines()[2]) == (0, "  Wang Wu (duty_lead) by robot")
    passed = "a step that pages only them is passed over."
    assert said.splitlines()[3:] == [f"Nobody is first_line, project_manager now: {passed}"]


async def test_a_test_that_can_reach_nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("d")
    nobody: Names = Names({Role.FIRST_LINE: []})
    async with opened(folder, Now(), names=nobody) as desk:
        assert await type_(folder, "test", "network") == (
            1,
            (
                "ctid: alert 1: nobody is on duty for network (first_line, duty_lead, "
                "project_manager), so nobody is paged\n"
            ),
        )
        assert (await type_(folder, "silence", "--for", "1h", "--why", "x"))[0] == 0
        assert await type_(folder, "test", "server") == (
            1,
            (
                "ctid: a silence holds for server: nobody would be paged, so there is no test; "
                "`ctid alerts unsilence 1` ends it\n"
            ),
        )
        assert [one.alert.number for one in desk.desk.open_alerts()] == [1]
