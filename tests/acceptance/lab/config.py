"""ctid's configuration for the lab: a line for every dialled number and every queue."""

import json
from collections.abc import Iterable
from pathlib import Path

from .model import Places, Scenario
from .rows import MOBILE
from .scenarios import TABLE

# name, key of its [[line]] table, value of that key, agents
Line = tuple[str, str, str, tuple[str, ...]]
HOTLINE = (
    ("8000", "dids", "8000"),
    ("8001", "dids", "8001"),
    ("8002", "dids", "8002"),
    ("hotline", "queues", "hotline"),
    ("hotline-backup", "queues", "hotline-backup"),
    ("load", "dids", "_850X"),
    ("load-queue", "queues", "load"),
)


def lines() -> list[Line]:
    """(name, key, value, agents) of every line; each number and each queue is a line of its own."""
    found: list[Line] = [(*row, ()) for row in HOTLINE]
    for index, scenario in enumerate(TABLE):
        found += _of(scenario, Places(index))
    return found


def _of(scenario: Scenario, places: Places) -> list[Line]:
    found: list[Line] = []
    for slot in "xy":
        if f"<{slot}>" in scenario.dialplan:
            number = places.value(slot)
            found.append((number, "dids", number, ()))
    for slot in "qr":
        if f"[<{slot}>]" in scenario.queues:
            name = places.value(slot)
            own = tuple(f"PJSIP/a{places.value(a)}" for a in scenario.line_agents if slot == "q")
            found.append((name, "queues", name, own))
    return found


def ctid_toml(
    port: int, secret: Path, store: Path, more: str = "", found: Iterable[Line] | None = None
) -> str:
    """The text of ctid.toml for an Asterisk whose AMI is on this port of 127.0.0.1.

    With the lines of the whole table, or with those of `found`.
    """
    parts = [f'[store]\nurl = "{store}"\n[metrics]\nlisten = ""\n']
    parts.append(
        f'[[pbx]]\nname = "lab"\nport = {port}\nsecret_file = "{secret}"\n'
        "reconnect_max_seconds = 1\nping_interval_seconds = 2\nping_timeout_seconds = 2\n"
        'trunks = ["PJSIP/trunk"]\ninbound_contexts = ["from-trunk"]\n'
        f'closed_contexts = ["after-hours"]\n{more}\n'
    )
    for name, key, value, agents in lines() if found is None else found:
        parts.append(f'[[line]]\nname = "{name}"\n{key} = ["{value}"]\n')
        if agents:
            parts.append(f"agents = {json.dumps(agents)}\n")
    parts.append("[agents]\n")
    parts += [f'"PJSIP/a{number}" = "{number}"\n' for number in range(101, 400)]
    parts.append(f'"{MOBILE}" = "mobile"\n')
    return "\n".join(parts)
