"""Takes a telephone number out of the records: the calls are found first, then changed in chunks.

They are looked for by a reader, page by page, since no index has all the places where a number may
stand. Each chunk is a transaction of its own, so that batches come in between; what is interrupted
is taken up by the next call.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Table, bindparam, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.forgetting import draft_without, entry_without, hiding
from ctid.domain.kpi import AgentCounts
from ctid.store import db, rows
from ctid.store.address import Database
from ctid.store.alert_forgetting import forget_in_alerts
from ctid.store.days import AGENTS, Agents, Span, agents_row, merge_agents
from ctid.store.drafts import draft_from_json, draft_to_json
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.retention import is_over
from ctid.store.schema import history, outbox, record, ring, summary, summary_day, to_return
from ctid.store.spellings import Spellings

CALLS_AT_ONCE: Final = 30
"""Some 15 ms of writing; a batch waits for no longer than one chunk."""

_ROWS_AT_ONCE: Final = 2000
"""Looked through in one transaction of a reader, whose rows go over the loop of the daemon."""
_DAYS_AT_ONCE: Final = 100
_LOG_TRIES: Final = 20
_LOG_PAUSE_SECONDS: Final = 0.1

_WHOLE: Final = ("caller_number", "did")
"""Are nothing but a number: null once that is forgotten."""
_TEXTS: Final = ("caller_name", "agent", "final_agent", "recording", "survey", "because")
_JSON: Final = ("agents_rung", "rings", "transfers")
_SEARCHED: Final = {
    record: (*_WHOLE, *_TEXTS, *_JSON),
    history: ("facts",),
    to_return: ("number", "shown", "name", "settled_by", "why"),
    outbox: ("draft", "detail"),
}

_Call = tuple[str, str]
_New = dict[str, Any]


class Ticket(NamedTuple):
    """One in another system that was made with the number: there it still stands."""

    destination: str
    remote_id: str


class Forgotten(NamedTuple):
    """In how many calls a number was forgotten, and whether the old rows are off the disk.

    They are not where readers kept SQLite from emptying its write-ahead log.
    """

    calls: int
    is_off_disk: bool
    tickets: tuple[Ticket, ...] = ()


async def forget(store: Store, number: str, now: float) -> Forgotten:
    """Take a number, in every spelling, out of all ended calls, and the name that came with it.

    Nobody has to call back that caller any more; drafts and pages that wait are sent without them.
    The figures stay the same. A call that is still under way is not touched: ask again when it is
    over. `now` is Unix seconds. Raises StoreUnavailable.
    """
    spellings = Spellings(number)
    if not spellings.needle:
        return Forgotten(0, is_off_disk=True)
    calls, tickets = 0, set[Ticket]()
    async with Reader(store.database) as reader:
        for chunk in _chunks(sorted(await _calls_with(reader, spellings)), CALLS_AT_ONCE):
            changed, told = await store.transaction(
                lambda connection, chunk=chunk: _forget_calls(connection, chunk, spellings, now)  # type: ignore[misc]
            )
            calls += changed
            tickets |= told
        await _forget_agents(store, reader, spellings)
        await forget_in_alerts(store, reader, spellings)
    is_off_disk = await _off_the_disk(store.database)
    return Forgotten(calls, is_off_disk, tuple(sorted(tickets)))


async def _calls_with(reader: Reader, spellings: Spellings) -> set[_Call]:
    found: set[_Call] = set()
    for table in _SEARCHED:
        async for page in _pages(reader, table, spellings.needle):
            found |= await asyncio.to_thread(_really, page, spellings)
    return found


def _really(rows: Sequence[Sequence[Any]], spellings: Spellings) -> set[_Call]:
    return {(pbx, uniqueid) for pbx, uniqueid, *texts in rows if any(map(spellings.are_in, texts))}


async def _pages(
    reader: Reader, table: Table, needle: str
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """Give the rows of ended calls with the needle: key and texts, in short transactions."""
    key = tuple_(table.c.pbx, table.c.uniqueid)
    texts = [table.c[name] for name in _SEARCHED[table]]
    page = select(table.c.pbx, table.c.uniqueid, *texts).where(
        or_(*(text.contains(needle, autoescape=True) for text in texts)), is_over(table)
    )
    ends = select(table.c.pbx, table.c.uniqueid).order_by(table.c.pbx, table.c.uniqueid)
    ends = ends.limit(1).offset(_ROWS_AT_ONCE)
    last: Sequence[Any] | None = ("", "")
    while last is not None:
        here, next_ones = page.where(key > tuple(last)), ends.where(key > tuple(last))
        async with reader.transaction() as connection:
            last = (await connection.execute(next_ones)).one_or_none()
            here = here if last is None else here.where(key <= tuple(last))
            rows = (await connection.execute(here)).all()
        yield rows


async def _forget_calls(
    connection: AsyncConnection, calls: Iterable[_Call], spellings: Spellings, now: float
) -> tuple[int, set[Ticket]]:
    """Change all rows of these calls that have the number; how many calls, and their tickets."""
    ids: dict[str, list[str]] = {}
    for pbx, uniqueid in calls:
        ids.setdefault(pbx, []).append(uniqueid)
    changed: set[_Call] = set()
    tickets: set[Ticket] = set()
    for table, hide in _HIDING.items():
        changes = []
        for pbx, uniqueids in ids.items():
            mine = (table.c.pbx == pbx, table.c.uniqueid.in_(uniqueids), is_over(table))
            for row in (await connection.execute(select(table).where(*mine))).mappings():
                new = hide(row, spellings, now)
                if any(row[name] != value for name, value in new.items()):
                    if table is outbox and row["remote_id"] is not None:
                        tickets.add(Ticket(row["destination"], row["remote_id"]))
                    changes.append({f"k_{k.name}": row[k] for k in table.primary_key} | new)
                    changed.add((row["pbx"], row["uniqueid"]))
        await _write(connection, table, changes)
    return len(changed), tickets


async def _write(
    connection: AsyncConnection, table: Table, changes: Sequence[Mapping[str, Any]]
) -> None:
    if changes:
        is_it = (column == bindparam(f"k_{column.name}") for column in table.primary_key)
        names: dict[str, Any] = {
            name: bindparam(name) for name in changes[0] if not name.startswith("k_")
        }
        await connection.execute(update(table).where(*is_it).values(names), changes)


def _hide_in_record(row: Mapping[Any, Any], spellings: Spellings, _: float) -> _New:
    new = {
        **{name: None if spellings.are_in(row[name]) else row[name] for name in _WHOLE},
        **{name: row[name] and spellings.hide(row[name]) for name in _TEXTS},
        **{name: spellings.hide_in_json(row[name]) for name in _JSON},
    }
    # whoever calls from a number is named by it
    name_too = new["caller_number"] != row["caller_number"]
    return {**new, "caller_name": None if name_too else new["caller_name"]}


def _hide_in_ring(row: Mapping[Any, Any], spellings: Spellings, _: float) -> _New:
    return {name: spellings.hide(row[name]) for name in ("agent", "channel")}


def _hide_in_history(row: Mapping[Any, Any], spellings: Spellings, _: float) -> _New:
    return {"facts": spellings.hide_in_json(row["facts"])}


def _hide_in_return(row: Mapping[Any, Any], spellings: Spellings, now: float) -> _New:
    entry = rows.return_from({**row})
    left = entry_without(entry, spellings, now)
    if left is entry:
        return {}
    return dict(zip(to_return.columns.keys(), rows.return_row(left), strict=True))


def _hide_in_outbox(row: Mapping[Any, Any], spellings: Spellings, _: float) -> _New:
    text, detail = row["draft"], row["detail"]
    try:
        draft = draft_from_json(text)
    except ValueError:  # written by a newer ctid
        new, detail = spellings.hide_in_json(text), detail and spellings.hide(detail)
    else:
        left = draft_without(draft, spellings)
        new = text if left is draft else draft_to_json(left)
        detail = hiding(draft, spellings)(detail)
    # what is on its way, or may be yet, is now another document
    is_other = new != text and row["state"] != OutboxState.DELIVERED.value
    return {"draft": new, "detail": detail, "revision": row["revision"] + is_other}


_HIDING: Final = {
    record: _hide_in_record,
    ring: _hide_in_ring,
    history: _hide_in_history,
    to_return: _hide_in_return,
    outbox: _hide_in_outbox,
}


async def _forget_agents(store: Store, reader: Reader, spellings: Spellings) -> None:
    """Take the number out of the figures of agents who have it for a name."""
    c = summary.c
    key = (c.span, c.began_on, c.scope, c.name)
    with_it = select(*key).where(
        c.scope == AGENTS, c.total.contains(spellings.needle, autoescape=True)
    )

    async def hide(connection: AsyncConnection, keys: Sequence[Sequence[Any]]) -> None:
        changes = []
        chosen = select(*key, c.total).where(tuple_(*key).in_([tuple(k) for k in keys]))
        for span, began_on, scope, line, total in await connection.execute(chosen):
            agents: Agents = {}
            for agent, numbers in orjson.loads(total).items():
                merge_agents(agents, line, {spellings.hide(agent): AgentCounts(*numbers)})
            new = agents_row(Span(span), date.fromisoformat(began_on), line, agents[line])
            is_it = {"k_span": span, "k_began_on": began_on, "k_scope": scope, "k_name": line}
            changes.append(is_it | {"total": new["total"]})
        await _write(connection, summary, changes)

    async def count_again(connection: AsyncConnection) -> None:
        # What is being counted at this moment was read before, and would be written back. With
        # both numbers raised a day is as up to date as it was, but such a one is not.
        d = summary_day.c
        raised = {"changes": d.changes + 1, "counted": d.counted + 1}
        await connection.execute(update(summary_day).values(raised))

    await store.transaction(count_again)
    async with reader.transaction() as connection:
        found = (await connection.execute(with_it)).all()
    for keys in _chunks(found, _DAYS_AT_ONCE):
        await store.transaction(lambda connection, keys=keys: hide(connection, keys))  # type: ignore[misc]


async def _off_the_disk(database: Database) -> bool:
    """Empty the write-ahead log, which still has the old rows. False: readers are in the way."""
    for _ in range(_LOG_TRIES):
        if await db.empty_log(database):
            return True
        await asyncio.sleep(_LOG_PAUSE_SECONDS)
    return False


def _chunks(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    left = iter(rows)
    while chunk := list(islice(left, size)):
        yield chunk
