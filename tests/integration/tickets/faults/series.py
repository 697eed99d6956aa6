"""One run of the fault series: calls, a ticket system behind a faulty proxy, and kills of ctid."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ctid.config import load
from ctid.domain.drafts import Stage
from ctid.outbound.rendering import Templates
from ctid.sim.program import Call
from ctid.sim.server import SimulatedPbx
from ctid.sim.template import Template
from ctid.store.drafts import draft_from_json
from tests.integration.tickets.faults.proxy import FaultyProxy
from tests.integration.tickets.faults.sight import overlooked
from tests.integration.tickets.faults.victim import Victim
from tests.integration.tickets.zammad_server import ATTRIBUTE, TOKEN, Zammad
from tests.truth import CAPTURES

DECK: Final = (
    "queue_answered",
    "direct_answered",
    "overflow_answered",
    "transfer_to_line",
    "queue_abandon",
    "after_hours",
    "direct_hold",
    "direct_noanswer",
    "group_nobody",
    "hunt_second",
)
TIMEOUT_SECONDS: Final = 0.4
SPEED: Final = 15.0
CALLS: Final = 16
FEW: Final = 3
EVERY_SECONDS: Final = 10.0
_LINES: Final = (CAPTURES / "lab.toml").read_text().replace('secret_credential = "ami"\n', "")
_SECRET: Final = "made-up"

Moment = Literal["transaction", "request", "random"]


@dataclass
class Run:
    """What happened in one run. `wrong`: one line for each thing that is not as it has to be.

    Of the calls `played`, those that came and went while ctid was down are not `recorded`.
    """

    seed: int
    kills: int = 0
    in_transaction: int = 0
    in_flight: int = 0
    met: Counter[str] = field(default_factory=Counter)
    tickets: int = 0
    played: int = 0
    recorded: int = 0
    wrong: list[str] = field(default_factory=list)


async def run(folder: Path, seed: int) -> Run:
    """Play calls, kill ctid, let it come to rest, and compare."""
    chance = random.Random(seed)
    templates = {name: Template((CAPTURES / f"{name}.ami").read_bytes()) for name in DECK}
    result = Run(seed)
    zammad = Zammad()
    await zammad.server.start_server()
    try:
        async with (
            SimulatedPbx(_SECRET, templates, speed=SPEED, seed=seed) as pbx,
            FaultyProxy(
                zammad.server.port or 0, chance, share=0.5, late_seconds=2.2 * TIMEOUT_SECONDS
            ) as proxy,
            asyncio.TaskGroup() as tasks,
        ):
            victim = Victim(folder, configured(folder, pbx.port, proxy.port))
            await victim.start()
            await victim.attached()
            calls = Calls(seed)
            playing = tasks.create_task(pbx.play(calls))
            for _ in range(chance.randint(1, 3)):
                moment: Moment = chance.choice(["transaction", "request", "random"])
                await _until(victim, proxy, moment, chance)
                if not victim.runs:
                    raise AssertionError(f"ctid ended by itself: {victim.last_words()}")
                _kill(victim, proxy, result)
                await victim.ended()
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                await victim.start()
            await victim.attached()
            calls.are_enough = True
            await playing
            proxy.share = 0.0
            await victim.come_to_rest()
            await victim.stop()
            result.met = proxy.met
    finally:
        await zammad.server.close()
    result.tickets = len(zammad.tickets)
    recorded = _recorded(victim.database)
    result.played, result.recorded = len(calls.begun), len(recorded)
    result.wrong = list(_differences(folder, victim.config, zammad))
    result.wrong += [
        f"call {number}: has no record, but began while ctid saw the PBX"
        for number in overlooked(calls.begun, recorded, victim.log, victim.kills)
    ]
    return result


def configured(folder: Path, pbx: int, port: int) -> Path:
    (folder / "ami.secret").write_text(f"{_SECRET}\n")
    (folder / "token").write_text(f"{TOKEN}\n")
    for name in ("ami.secret", "token"):
        (folder / name).chmod(0o600)
    lines = re.sub(
        r"\[\[pbx\]\]\n",
        f'[[pbx]]\nport = {pbx}\nsecret_file = "ami.secret"\nreconnect_max_seconds = 0.2\n',
        _LINES,
        count=1,
    )
    path = folder / "ctid.toml"
    path.write_text(
        f"""timezone = "Asia/Shanghai"
{lines.partition("[[pbx]]")[0]}
[store]
url = "ctid.sqlite3"
commit_delay_ms = 5

[metrics]
listen = ""

[[zammad]]
url = "http://127.0.0.1:{port}"
token_file = "token"
group = "Users"
timeout_seconds = {TIMEOUT_SECONDS}

[[pbx]]{lines.partition("[[pbx]]")[2]}
"""
    )
    return path


class Calls:
    """They come until the last kill is over and a few more have come."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"calls of {seed}")
        self._asked: list[float] = []
        self.are_enough = False

    def __iter__(self) -> Iterator[Call]:
        last = CALLS
        for number in count():
            self._asked.append(time.time())
            if not self.are_enough:
                last = max(last, number + FEW)
            if number == last:
                return
            yield Call(number * EVERY_SECONDS, number, self._chance.choice(DECK))

    @property
    def begun(self) -> list[tuple[float, float]]:
        """Between which times each began: the PBX asks for two more calls around that."""
        ends = [*self._asked[2:], time.time()]
        return list(zip(self._asked[1:], ends, strict=True))


async def _until(victim: Victim, proxy: FaultyProxy, moment: Moment, chance: random.Random) -> None:
    """Wait for the moment of a kill, but not for longer than it may never come."""
    times = chance.randint(1, 6)
    if moment != "random":
        await victim.attached()
    begun = time.monotonic()
    await asyncio.sleep(chance.uniform(1.0, 3.0))
    if moment == "random":
        return
    while time.monotonic() - begun < 6.0:
        hit = victim.holds_the_lock() if moment == "transaction" else proxy.in_flight > 0
        times -= hit
        if hit and times <= 0:
            return
        await asyncio.sleep(0.0005 if moment == "transaction" else 0.003)


def _kill(victim: Victim, proxy: FaultyProxy, result: Run) -> None:
    """Stop it first, so that what is counted is what was hit."""
    os.kill(victim.pid, signal.SIGSTOP)
    while Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "TZ":
        pass
    result.kills += 1
    result.in_transaction += victim.holds_the_lock()
    result.in_flight += proxy.in_flight > 0
    victim.kills.append(time.time())
    os.kill(victim.pid, signal.SIGKILL)


def _recorded(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as db:
        return {uniqueid for (uniqueid,) in db.execute("SELECT uniqueid FROM record")}


def _differences(folder: Path, config: Path, zammad: Zammad) -> Iterator[str]:
    """Every call has exactly one ticket, whose last article is the last revision of its draft."""
    desk = load(config, read_secrets=False)
    templates = Templates(
        None,
        zone=ZoneInfo(desk.timezone),
        language=desk.tickets.language,
        languages={line.name: desk.tickets.language for line in desk.line},
    )
    keys = Counter(str(ticket[ATTRIBUTE]) for ticket in zammad.tickets.values())
    numbers = {str(ticket[ATTRIBUTE]): number for number, ticket in zammad.tickets.items()}
    yield from (f"{key}: {number} tickets" for key, number in keys.items() if number > 1)
    with contextlib.closing(sqlite3.connect(folder / "ctid.sqlite3")) as db:
        rows = db.execute("SELECT key, draft, revision, state FROM outbox").fetchall()
        calls = db.execute(
            "SELECT uniqueid, max(outcome = 'answered'), max(outcome IN ('missed', 'overflowed')"
            " OR reason = 'after_hours'), max(outcome = 'lost' AND offered_at IS NOT NULL)"
            " FROM record WHERE direction = 'inbound' AND line IS NOT NULL GROUP BY uniqueid"
        ).fetchall()
    known: set[str] = set()
    for key, text, revision, state in rows:
        draft = draft_from_json(text)
        known.update((draft.uniqueid, *(attempt.uniqueid for attempt in draft.attempts)))
        if state != "delivered":
            yield f"{key}: is {state}"
        if draft.stage is Stage.TALKING:
            yield f"{key}: was not completed"
        if key not in numbers:
            yield f"{key}: no ticket"
            continue
        articles = [article["body"] for article in zammad.articles[numbers[key]]]
        yield from (
            f"{key}: {number} times {json.dumps(mark)}"
            for mark, number in Counter(map(_mark, articles)).items()
            if number > 1
        )
        new = len(articles) == 1
        body = templates.render(draft, revision, b"", new=new).body.strip()
        if not articles[-1].startswith(body):
            yield f"{key}: the last article is not the last revision"
    yield from (f"{key}: a ticket of no draft" for key in keys if key not in dict(_pairs(rows)))
    for uniqueid, *kinds in calls:
        if any(kinds) and uniqueid not in known:
            yield f"{uniqueid}: a call without a draft"


def _pairs(rows: list[tuple[str, str, int, str]]) -> Iterator[tuple[str, str]]:
    return ((key, state) for key, _, _, state in rows)


def _mark(body: str) -> str:
    return body.rstrip().splitlines()[-1]
