"""`ctid explain` over the facts of real calls."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ctid.domain.batch import Batch
from ctid.domain.records import Gap, GapCause
from ctid.store.migrate import upgrade
from ctid.store.recorder import Store
from tests.integration.cli.conftest import Ctid
from tests.integration.store import samples
from tests.terminal import on_terminal


def told(ctid: Ctid, config: Path, call: str) -> str:
    done = ctid("explain", call, "--config", config)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_an_overflow_is_told_step_by_step(ctid: Ctid, recorded: Path) -> None:
    lines = told(ctid, recorded, "1795468600.31").splitlines()
    assert lines[:2] == [
        "Inbound call of 13800000001 to 8101; lab/1795468600.31",
        "2026-11-24, times of Asia/Shanghai",
    ]
    steps = [line.partition("[")[0].strip() for line in lines[3:-3]]
    assert steps == [
        "05:16:40.055  A call comes in; the number belongs to line 8101.",
        "05:16:40.557  Line ova is offered the call.",
        "05:16:40.559  The phone of 101 rings.",
        "05:16:42.561  The phone of 101 stops ringing: it was not picked up.",
        "05:16:42.561  The queue's time is up: nobody answered.",
        "05:16:42.562  Line ova gives the call on to line ovb.",
        "05:16:42.562  Line ovb is offered the call.",
        "05:16:42.565  The phone of 102 rings.",
        "05:16:43.573  Answered: the caller speaks with 102.",
        "05:16:45.564  The caller hangs up.",
        "05:16:45.565  The caller speaks with nobody any more.",
        "05:16:45.565  The caller's channel is closed.",
    ]
    assert lines[-2].startswith("Line ova: overflowed (queue timeout): queue ova ended with")
    assert lines[-1].startswith("Line ovb: answered: the caller was connected with 102.")


def test_a_narrow_terminal_breaks_between_words(ctid: Ctid, recorded: Path) -> None:
    command = [sys.executable, "-m", "ctid", "explain", "1795468600.31", "--config", str(recorded)]
    lines = on_terminal(60, lambda out: subprocess.run(command, stdout=out, check=True))
    assert all(len(line) <= 60 for line in lines)
    assert lines[3:7] == [
        "05:16:40.055  A call comes in; the number belongs to line",
        "              8101.",
        "              [channel PJSIP/trunk-00000012 came up at",
        "              from-trunk,8101]",
    ]
    whole = told(ctid, recorded, "1795468600.31")
    assert sorted(" ".join(lines).split()) == sorted(whole.split())


@pytest.mark.parametrize(
    ("call", "sentences"),
    [
        ("1795463759.27", ["101 declined the call.", "Line 8001: missed (rejected)"]),
        ("lab/1795463886.192", ["The caller is sent to voicemail.", "missed (voicemail)"]),
        ("1795464022.296", ["101 transfers the caller to 102.", "first with 101, last with 102."]),
        ("1795465892.6", ["The caller is parked.", "Nobody fetched the parked caller in time."]),
        ("1795463740.9", ["put on hold.", "On hold 1.2 s."]),
        ("1795464361.35", ["what they tore was mended."]),
        ("1795465886.0", ["The caller answers the survey: 5."]),
        ("1795468632.52", ["excluded (own agent): the caller is an agent of this line."]),
        ("1795464159.400", ["A call is placed.", "No line: the call counts for none"]),
        ("1795464413.103", ["the call goes on, nothing is decided yet."]),
    ],
)
def test_what_decided_is_told(ctid: Ctid, recorded: Path, call: str, sentences: list[str]) -> None:
    text = told(ctid, recorded, call)
    for sentence in sentences:
        assert sentence in text


def test_json_holds_all_that_is_kept(ctid: Ctid, recorded: Path) -> None:
    done = ctid("explain", "1795468600.31", "--config", recorded, "--format", "json")
    told = json.loads(done.stdout)
    assert [record["outcome"] for record in told["records"]] == ["overflowed", "answered"]
    assert told["facts"][0]["kind"] == "call_began"
    assert told["facts"][0]["at"] == "2026-11-23T21:16:40.055823Z"
    assert told["gaps"] == []


def test_an_unknown_call_says_where_ids_are(ctid: Ctid, recorded: Path) -> None:
    for call in ("1.1", "lab/1.1", "nowhere/1795468600.31"):
        done = ctid("explain", call, "--config", recorded)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == (
            f"ctid: {call}: no such call is recorded; `ctid calls` lists calls with their ids\n"
        )


def test_gaps_are_told_names_are_harmless_and_an_id_of_two_pbxs_has_to_be_told_apart(
    ctid: Ctid, tmp_path: Path
) -> None:
    config = tmp_path / "ctid.toml"
    config.write_text('[store]\nurl = "ctid.sqlite3"\n[[pbx]]\nname = "other"\n')

    async def fill() -> None:
        await upgrade(str(tmp_path / "ctid.sqlite3"))
        async with await Store.open(str(tmp_path / "ctid.sqlite3")) as store:
            batch = samples.ended(1)
            (record,) = batch.records
            twin = record._replace(pbx="other", caller_name="\x1b[2Jx")
            gap = Gap("other", samples.BEGAN + 20, samples.BEGAN + 30, GapCause.DAEMON_DOWN)
            await store.commit(batch)
            await store.commit(Batch(records=(twin,), gaps=(gap,)))
            first, last = (batch.facts[n].at for n in (0, -1))
            between = Gap("main", (first + last) / 2, last, GapCause.CONNECTION_LOST)
            await store.commit(Batch(gaps=(between,)))

    asyncio.run(fill())
    both = ctid("explain", samples.uniqueid(1), "--config", config)
    assert both.exit_code == 2
    assert both.stderr.endswith("write main/1760000000.1 or other/1760000000.1\n")
    text = told(ctid, config, "other/1760000000.1")
    assert "No steps of this call are kept." in text
    # in its place between the steps
    rows = told(ctid, config, "main/1760000000.1").splitlines()
    gaps = ["Not seen from" in row for row in rows if row.startswith("08:53")]
    assert gaps == [False, False, True, False]
    assert "Not seen from 2025-10-09 08:53:40.000 to 2025-10-09 08:53:50.000: ctid did" in text
    assert "\x1b" not in text


def test_the_example_of_the_page_is_what_is_printed(ctid: Ctid, recorded: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    example = page.partition("$ ctid explain 1795463759.27\n")[2].partition("```")[0]
    assert told(ctid, recorded, "1795463759.27") == example
