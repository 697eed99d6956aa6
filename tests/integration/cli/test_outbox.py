"""`ctid outbox`: which drafts wait or are dead, and why."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ctid.cli.outbox import FIELDS
from tests.integration.cli import desk
from tests.integration.cli.conftest import Ctid
from tests.terminal import on_terminal


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk.configured(tmp_path_factory.mktemp("desk"))


def listed(ctid: Ctid, config: Path, *arguments: str) -> list[dict[str, Any]]:
    done = ctid("outbox", "list", "--config", config, "--format", "json", *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_what_waits_or_is_dead_with_why(ctid: Ctid, config: Path) -> None:
    done = ctid("outbox", "list", "--config", config)
    assert (done.exit_code, done.stderr) == (0, "")
    at = "2025-01-01 09:00"
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "decided backend line stage state tries next ticket why call",
        f"{at} rt network to_return pending 0 due 1.2",
        f"{at} rt network to_return pending 0 due 1.2",
        f"{at} old network to_return pending 0 due 4711 1.4",
        f"{at} rt network to_return pending 4 2100-01-01 09:00 refused 1.3",
        f"{at} rt network to_return dead 0 {desk.REFUSED} 1.1",
    ]


def test_programs_get_every_field(ctid: Ctid, config: Path) -> None:
    rows = listed(ctid, config)
    assert rows[-1] == {
        "destination": "rt",
        "key": desk.key("1.1"),
        "pbx": "lab",
        "uniqueid": "1.1",
        "line": "network",
        "stage": "to_return",
        "revision": 1,
        "state": "dead",
        "decided_at": "2025-01-01T01:00:01.000000Z",
        "next_at": "2025-01-01T01:00:01.000000Z",
        "attempts": 0,
        "sent_revision": 0,
        "remote_id": None,
        "url": None,
        "reason": "refused",
        "detail": desk.REFUSED,
        "settled_at": "2025-01-01T01:00:00.000000Z",
    }
    lines = ctid("outbox", "list", "--config", config, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    text = ctid("outbox", "list", "--config", config, "--format", "csv").stdout
    cells = list(csv.DictReader(io.StringIO(text)))
    assert tuple(cells[0]) == FIELDS == tuple(rows[0])
    assert [cell["key"] for cell in cells] == [row["key"] for row in rows]


def test_conditions(ctid: Ctid, config: Path) -> None:
    def ids(*arguments: str) -> list[str]:
        return [row["uniqueid"] for row in listed(ctid, config, *arguments)]

    assert ids("--state", "dead") == ["1.1"]
    assert ids("--state", "dead", "--state", "delivered") == ["1.1", "1.1", "1.6"]
    assert ids("--backend", "file") == []
    assert ids("--backend", "file", "--state", "delivered") == ["1.1", "1.6"]
    # no longer configured, but its drafts are still there
    assert ids("--backend", "old") == ["1.4"]
    assert ids("--limit", "2") == ["1.2", "1.2"]
    assert len(ids("--limit", "0")) == 5


@pytest.mark.parametrize(
    ("arguments", "shown", "said"),
    [
        (("--backend", "file"), "", "ctid: no draft waits or is dead\n"),
        (("--state", "dropped"), "", "ctid: no draft is dropped\n"),
        (("--state", "dropped", "--format", "json"), "[]\n", ""),
        (("--state", "dropped", "--format", "jsonl"), "", ""),
        (("--state", "dropped", "--format", "csv"), ",".join(FIELDS) + "\n", ""),
    ],
)
def test_none(ctid: Ctid, config: Path, arguments: tuple[str, ...], shown: str, said: str) -> None:
    done = ctid("outbox", "list", "--config", config, *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (0, shown, said)


def test_eighty_columns_tell_why_in_whole_words(config: Path) -> None:
    command = [sys.executable, "-m", "ctid", "outbox", "list", "--config", str(config)]
    lines = on_terminal(80, lambda out: subprocess.run(command, stdout=out, check=True))
    assert max(map(len, lines)) <= 80
    assert lines[5:] == [
        "rt      dead        0                         queue Telephony: there is no  1.1",
        "                                              such queue; make it, or mend",
        "                                              `queue`",
        "not shown: decided, line, stage; a wider terminal or --format csv shows them",
    ]


def shown(ctid: Ctid, config: Path, draft: str) -> list[dict[str, Any]]:
    done = ctid("outbox", "show", draft, "--config", config)
    assert (done.exit_code, done.stderr) == (0, "")
    found, rest, decoder = [], done.stdout.strip(), json.JSONDecoder()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found


def test_a_draft_is_shown_for_each_backend(ctid: Ctid, config: Path) -> None:
    for name in ("1.1", desk.key("1.1")):
        file, rt = shown(ctid, config, name)
        assert (file["destination"], rt["destination"]) == ("file", "rt")
        assert (file["remote_id"], rt["detail"]) == (desk.key("1.1"), desk.REFUSED)
        assert file["draft"] == rt["draft"]
        assert file["draft"]["caller"]["name"] == "王小明"
        assert list(rt) == [*FIELDS, "draft"]
    assert "王小明" in ctid("outbox", "show", "1.1", "--config", config).stdout


def test_a_call_id_of_several_pbxs_shows_all(ctid: Ctid, config: Path) -> None:
    assert [each["pbx"] for each in shown(ctid, config, "1.2")] == ["lab", "other"]
    (one,) = shown(ctid, config, desk.key("1.2", "other"))
    assert one["pbx"] == "other"


def test_what_is_not_there_is_one_line(ctid: Ctid, config: Path) -> None:
    done = ctid("outbox", "show", "9.9", "--config", config)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "ctid: 9.9: no draft has this key or call; `ctid outbox list` shows them\n"
    )


WHICH = "ctid: say which: DRAFT..., --dead for all that are dead, --all for those that wait, too\n"
NO_BACKEND = "ctid: --backend nope: no such backend; there are: file, "


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--backend", "nope"), NO_BACKEND + "old, rt\n"),
        (("retry", "1.1", "--backend", "nope"), NO_BACKEND + "rt\n"),
        (("list", "--state", "gone"), "ctid: --state: 'gone' is not one of pending, "),
        (("list", "--limit", "x"), "ctid: --limit: "),
        (("show",), "ctid: missing argument 'DRAFT'"),
        (("retry",), WHICH),
        (("retry", "1.1", "--dead"), WHICH),
        (("retry", "1.1", "--all"), WHICH),
        (("retry", "--dead", "--all"), WHICH),
        (("drop", "1.1"), "ctid: missing option '--why'"),
        (("drop", "--why", "x"), "ctid: missing argument 'DRAFT"),
        (("drop", "1.1", "--why", ""), "ctid: --why is empty: say why they are not to be "),
    ],
)
def test_wrong_options_are_one_line(
    ctid: Ctid, config: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = ctid("outbox", *arguments, "--config", config)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("retry", "1.1"), ("drop", "1.1", "--why", "x")])
def test_without_a_daemon_nothing_is_changed(
    ctid: Ctid, config: Path, arguments: tuple[str, ...]
) -> None:
    done = ctid("outbox", *arguments, "--config", config)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no daemon answers there" in done.stderr
