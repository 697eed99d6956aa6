"""`ctid alerts` where a daemon runs: what it changes, as it is typed."""

import asyncio
import json
import os
import pwd
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ctid.domain.alerts import Acknowledged, Incident, Resolved, Silence
from ctid.domain.roster import Role
from ctid.store import alert_queries, pages
from ctid.store.pages import PageState, Tried
from tests.desk import CONFIG, WANG, Desk, Names, Now, opened
from tests.integration.cli.processes import ran_aloud
from tests.integration.cli.settled import LEFT, lines, settlement

ME = pwd.getpwuid(os.getuid()).pw_name


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
