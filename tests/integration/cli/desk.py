"""A database with callers who were missed, and drafts on their way, that no daemon has written."""

import asyncio
from pathlib import Path
from typing import Any, Final

from sqlalchemy import update

from ctid.domain.batch import Batch
from ctid.domain.drafts import AttemptPart, Caller, Stage
from ctid.domain.policy import Wanted
from ctid.domain.records import Outcome, Reason
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.store.migrate import upgrade
from ctid.store.recorder import Store
from ctid.store.schema import outbox
from tests.drafts import draft

LONG_AGO: Final = 1_735_693_200.0  # 2025-01-01 09:00:00 in Shanghai
FAR_OFF: Final = 4_102_448_400.0  # 2100-01-01 09:00:00 in Shanghai
LONG_NAME: Final = "Alexandra Schneider-Hoffmann von der Mühle"


def entry(
    call: str,
    shown: str | None,
    name: str | None,
    due_at: float,
    state: ReturnState = ReturnState.OPEN,
    **more: Any,
) -> ToReturn:
    """Somebody who was missed; `more` may say `line`, `pbx`, `times` (how often) and the rest."""
    pbx, line, times = more.pop("pbx", "lab"), more.pop("line", "8001"), more.pop("times", 1)
    misses = tuple(
        Miss(pbx, f"{call}{n or ''}", LONG_AGO + n, Outcome.MISSED, Reason.NO_ANSWER)
        for n in range(times)
    )
    number = None if shown is None else f"+86{shown.lstrip('0')}"
    return ToReturn(pbx, call, line, number, shown, name, state, misses, due_at, **more)


ENTRIES: Final = (
    entry("1.5", "02187654321", "Later", FAR_OFF + 60),
    entry("1.6", None, None, LONG_AGO - 9000),
    entry(
        *("1.7", "13911112222", "Called", LONG_AGO - 8000, ReturnState.REACHED),
        settled_at=LONG_AGO + 50,
        settled_by="Li Si",
        why="called back",
    ),
    entry(
        *("1.8", "13911113333", "Wrong", LONG_AGO - 7000, ReturnState.CLOSED),
        settled_at=LONG_AGO + 90,
        settled_by="root",
        why="wrong number",
    ),
    entry("1.3", "02161234567", LONG_NAME, FAR_OFF, line="8002"),
    entry(
        *("1.4", "13900139000", "=2+3", FAR_OFF + 30, ReturnState.ATTEMPTED),
        attempted_at=LONG_AGO + 30,
    ),
    entry("1.1", "13800138000", "王小明", LONG_AGO, times=3),
    entry("1.2", "13800138001", "Twice", LONG_AGO + 60, pbx="lab"),
    entry("1.2", "13800138002", "Twice", LONG_AGO + 120, pbx="other"),
)

REFUSED: Final = "queue Telephony: there is no such queue; make it, or mend `queue`"


def key(call: str, pbx: str = "lab") -> str:
    return f"ctid:desk:{pbx}:{call}"


def wanted(backend: str, call: str, at: float, **more: Any) -> Wanted:
    """A draft about a missed call; `more` may say `pbx`, and fields of the draft."""
    pbx = more.pop("pbx", "lab")
    made = draft(
        key=key(call, pbx),
        pbx=pbx,
        uniqueid=call,
        stage=Stage.TO_RETURN,
        attempts=(AttemptPart(pbx, call, LONG_AGO, Outcome.MISSED, Reason.NO_ANSWER),),
        **more,
    )
    return Wanted(backend, made, at)


def standing(backend: str, call: str, **values: Any) -> Any:
    """How that draft stands now."""
    mine = (outbox.c.destination == backend, outbox.c.key == key(call))
    return update(outbox).where(*mine).values(values)


WANTED: Final = (
    wanted("rt", "1.1", LONG_AGO + 1),
    wanted("file", "1.1", LONG_AGO + 1),
    wanted("rt", "1.3", LONG_AGO + 3),
    wanted("old", "1.4", LONG_AGO + 4),
    wanted("rt", "1.2", LONG_AGO + 5),
    wanted("rt", "1.2", LONG_AGO + 6, pbx="other"),
    wanted("file", "1.6", LONG_AGO, caller=Caller(None, None, None, None)),
)
STANDING: Final = (
    standing("rt", "1.1", state="dead", reason="refused", detail=REFUSED, settled_at=LONG_AGO),
    standing(
        *("file", "1.1"),
        state="delivered",
        remote_id=key("1.1"),
        sent_revision=1,
    ),
    standing(
        *("file", "1.6"),
        state="delivered",
        remote_id=key("1.6"),
        sent_revision=1,
    ),
    standing(
        *("old", "1.4"),
        remote_id="4711",
        url="https://old.example.org/4711",
        sent_revision=1,
    ),
    standing(
        *("rt", "1.3"),
        attempts=4,
        reason="unreachable",
        detail="refused",
    ),
)


async def fill(url: str, next_at: float = FAR_OFF) -> None:
    """Write it all; `next_at`: when what failed is tried again."""
    await upgrade(url)
    async with await Store.open(url) as store:
        await store.commit(Batch(returns=ENTRIES, wanted=WANTED))

        async def stand(connection: Any) -> None:
            for statement in (*STANDING, standing("rt", "1.3", next_at=next_at)):
                await connection.execute(statement)

        await store.transaction(stand)


CONFIG: Final = """timezone = "Asia/Shanghai"
[store]
url = "ctid.sqlite3"
[control]
socket = "control.sock"
[[pbx]]
name = "lab"
secret_file = "none"
[[line]]
name = "8001"
dids = ["8001"]
[[line]]
name = "8002"
dids = ["8002"]
[[file]]
name = "rt"
path = "rt.jsonl"
[[file]]
path = "tickets.jsonl"
"""


def configured(folder: Path) -> Path:
    """A configuration whose daemon does not run, and the database beside it."""
    asyncio.run(fill(str(folder / "ctid.sqlite3")))
    config = folder / "ctid.toml"
    config.write_text(CONFIG)
    return config
