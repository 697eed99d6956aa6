"""Every recorded stream of a real Asterisk tells the truth that SIP saw."""

import re
from pathlib import Path

import pytest

from ctid import config
from ctid.domain.records import Outcome, Record
from ctid.replay import replay
from tests import lab, truth

FILTER = Path("dialplans/manager_ctid.conf")


def recorded(name: str) -> list[Record]:
    return list(replay(truth.files(name), lab.PBX, lab.directory()))


def mistakes(name: str, records: list[Record]) -> list[str]:
    """What is wrong with the records of a capture, in words."""
    wanted = truth.expected(truth.load(name))
    left = list(records)
    wrong: list[str] = []
    for want in wanted:
        same = [r for r in left if r.caller_number == want.caller and r.line == want.line]
        if not same:
            wrong.append(f"{want.caller}: no record on line {want.line}")
            continue
        left.remove(same[0])
        wrong += [f"{want.caller}: {what}" for what in truth.differences(want, same[0])]
    wrong += [f"{r.caller_number}: too much: {r.line} {r.outcome}" for r in left if r.line]
    return wrong


@pytest.mark.parametrize("name", truth.names())
def test_capture_tells_the_truth(name: str) -> None:
    assert mistakes(name, recorded(name)) == []


def test_load_counts_every_call_once() -> None:
    records = recorded("load")
    outcomes = [f"{r.outcome}:{r.reason}" for r in records]
    assert {what: outcomes.count(what) for what in set(outcomes)} == {
        "answered:None": 150,
        "missed:caller_hangup": 90,
        "missed:busy": 60,
    }
    assert len({r.uniqueid for r in records}) == 300


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.MISSED])
def test_a_wrong_outcome_is_noticed(outcome: Outcome) -> None:
    other = {Outcome.ANSWERED: Outcome.MISSED, Outcome.MISSED: Outcome.ANSWERED}
    for name in truth.names():
        records = recorded(name)
        swapped = [
            r._replace(outcome=other[outcome]) if r.outcome is outcome else r for r in records
        ]
        if swapped != records:
            assert mistakes(name, swapped) != [], name


def includes() -> list[re.Pattern[str]]:
    """The filter that the PBX applies for us, as Asterisk does: any match lets an event through."""
    lines = re.findall(r"^eventfilter *=>? *(.*)$", FILTER.read_text(), re.MULTILINE)
    assert lines
    assert not any(line.startswith("!") for line in lines)
    return [re.compile(line, re.DOTALL) for line in lines]


# A torn event is one event to the PBX's filter and several blocks to this test's.
@pytest.mark.parametrize(
    "name", [n for n in truth.names() if n not in ("load", "number_forge_short")]
)
def test_filter_changes_nothing(name: str, tmp_path: Path) -> None:
    patterns = includes()
    narrow: list[Path] = []
    for path in truth.files(name):
        blocks = path.read_bytes().decode("utf-8", "surrogateescape").split("\r\n\r\n")
        kept = [
            block
            for block in blocks
            if not block.lstrip("\r\n").startswith("Event: ")
            or "ActionID: " in block
            or any(pattern.search(block.lstrip("\r\n") + "\r\n") for pattern in patterns)
        ]
        assert len(kept) < len(blocks)
        narrow.append(tmp_path / path.name)
        narrow[-1].write_bytes("\r\n\r\n".join(kept).encode("utf-8", "surrogateescape"))
    filtered = list(replay(narrow, lab.PBX, lab.directory()))
    assert filtered == recorded(name)


def test_trunks_and_inbound_contexts_need_not_be_named(tmp_path: Path) -> None:
    """Usual names of contexts, and numbers dialled over an endpoint, tell as much."""
    lines = (truth.CAPTURES / "lab.toml").read_text().splitlines(keepends=True)
    named = ("trunks", "inbound_contexts")
    bare = tmp_path / "bare.toml"
    bare.write_text("".join(line for line in lines if not line.startswith(named)))
    directory = config.load(bare, read_secrets=False).directory(lab.PBX)
    for name in truth.names():
        records = list(replay(truth.files(name), lab.PBX, directory))
        assert mistakes(name, records) == [], name
