"""A hundred scenarios on Asterisk 22 and 16: what the recorded streams say is what SIP saw.

The streams and their truth were recorded by tests/acceptance/record.py; the live test plays the
same table anew and also compares the times.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from ctid.domain.lines import Directory, Line, Outside
from ctid.domain.patterns import parse
from ctid.domain.records import Record
from ctid.replay import replay

RECORDINGS = Path(__file__).parents[2] / "recordings"
NAMES = sorted(str(path.relative_to(RECORDINGS))[:-5] for path in RECORDINGS.glob("*/*.json"))


def directory(truth: dict[str, Any]) -> Directory:
    names = {offer["line"] for call in truth["calls"] for offer in call["domain"]} - {None}
    agents = frozenset(truth.get("line_agents", ()))
    lines = [
        Line(
            name=name,
            title=name,
            specialty=name,
            queues=frozenset(() if name.isdigit() else (name,)),
            dids=(parse(name),) if name.isdigit() else (),
            contexts=frozenset(),
            agents=agents,
            duty=None,
            zone="UTC",
            target_rate=0.75,
        )
        for name in sorted(names)
    ]
    outside = Outside(
        frozenset({"PJSIP/trunk"}), frozenset({"from-trunk"}), frozenset({"after-hours"})
    )
    return Directory(lines, {"13911112222": "mobile"}, None, outside)


def number(caller: str) -> str:
    """The caller as a record shows it: cut at the first line break, an extension without its a."""
    shown = unquote(caller).split("\r")[0]
    return shown[1:] if shown[:1] == "a" and shown[1:].isdigit() else shown


@pytest.mark.parametrize("name", NAMES)
def test_recording(name: str) -> None:
    truth = json.loads((RECORDINGS / f"{name}.json").read_text())
    records = list(replay([RECORDINGS / f"{name}.ami.gz"], "lab", directory(truth)))
    left = [record for record in records if record.line is not None]
    for call in truth["calls"]:
        for offer in call["domain"]:
            if offer["line"] is not None:
                same = [r for r in left if is_of(r, call, offer)]
                assert same, f"no record of {call['caller']} on {offer['line']} in {left}"
                left.remove(same[0])
                compare(offer, same[0])
    assert left == []


def is_of(record: Record, call: dict[str, Any], offer: dict[str, Any]) -> bool:
    return record.line == offer["line"] and record.caller_number == number(call["caller"])


def compare(offer: dict[str, Any], record: Record) -> None:
    for field in ("outcome", "agent", "final_agent", "transferred"):
        assert getattr(record, field) == offer[field], field
    assert record.reason in (offer["reason"], *offer["reason_also"])
    rung, optional = set(offer["agents_rung"]), set(offer.get("rung_optional", ()))
    assert rung - optional <= set(record.agents_rung) <= rung | optional
    if offer["ended_by"] is not None:
        assert record.ended_by == offer["ended_by"]
