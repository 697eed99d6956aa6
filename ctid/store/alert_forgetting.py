"""Takes a telephone number out of alerts, their pages, and silences.

Alerts that are not over are changed as well: whoever has them in memory takes the number out there
first (`domain.forgetting.alert_without`), or the next state brings it back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.forgetting import alert_without, page_without
from ctid.store.alerts import alert_from_json, alert_to_json, page_from_json, page_to_json
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import alert, page, silence
from ctid.store.spellings import Spellings

_ROWS_AT_ONCE: Final = 50
"""Some 15 ms of writing; a batch waits for no longer than one chunk."""

_New = dict[str, Any]
_Row = Mapping[Any, Any]


async def forget_in_alerts(store: Store, reader: Reader, spellings: Spellings) -> int:
    """Take the number out of all rows that have it; how many. Raises StoreUnavailable."""
    changed = 0
    for table, hide in _HIDING.items():
        texts = [table.c[name] for name in _TEXTS[table]]
        with_it = or_(*(each.contains(spellings.needle, autoescape=True) for each in texts))
        async with reader.transaction() as connection:
            query = select(*table.primary_key).where(with_it).order_by(*table.primary_key)
            keys = [tuple(key) for key in await connection.execute(query)]
        for first in range(0, len(keys), _ROWS_AT_ONCE):
            chunk = keys[first : first + _ROWS_AT_ONCE]
            changed += await store.transaction(
                lambda connection, table=table, hide=hide, chunk=chunk: _hide(  # type: ignore[misc]
                    connection, table, hide, chunk, spellings
                )
            )
    return changed


async def _hide(
    connection: AsyncConnection,
    table: Table,
    hide: Callable[[_Row, Spellings], _New],
    keys: Sequence[tuple[Any, ...]],
    spellings: Spellings,
) -> int:
    mine = tuple_(*table.primary_key).in_(keys)
    changes = []
    for row in (await connection.execute(select(table).where(mine))).mappings():
        new = hide(row, spellings)
        if any(row[name] != value for name, value in new.items()):
            changes.append({f"k_{key.name}": row[key] for key in table.primary_key} | new)
    if changes:
        is_it = (key == bindparam(f"k_{key.name}") for key in table.primary_key)
        names: _New = {name: bindparam(name) for name in changes[0] if not name.startswith("k_")}
        await connection.execute(update(table).where(*is_it).values(names), changes)
    return len(changes)


def _in_alert(row: _Row, spellings: Spellings) -> _New:
    text: str = row["data"]
    try:
        found = alert_from_json(text)
    except ValueError:  # written by a newer ctid
        data = spellings.hide_in_json(text)
    else:
        left = alert_without(found, spellings)
        data = text if left is found else alert_to_json(left)
    return {"data": data} | _hidden(row, spellings, "acknowledged_by", "resolved_by", "why")


def _in_page(row: _Row, spellings: Spellings) -> _New:
    text: str = row["data"]
    try:
        found = page_from_json(text)
    except ValueError:  # written by a newer ctid
        data = spellings.hide_in_json(text)
    else:
        left = page_without(found, spellings)
        data = text if left is found else page_to_json(left)
    address = None if spellings.are_in(row["address"]) else row["address"]
    tried = spellings.hide_in_json(row["tried"])
    return {"data": data, "address": address, "tried": tried} | _hidden(
        row, spellings, "recipient", "detail"
    )


def _in_silence(row: _Row, spellings: Spellings) -> _New:
    return _hidden(row, spellings, "owner", "why")


def _hidden(row: _Row, spellings: Spellings, *names: str) -> _New:
    return {name: row[name] and spellings.hide(row[name]) for name in names}


_HIDING: Final = {alert: _in_alert, page: _in_page, silence: _in_silence}
_TEXTS: Final = {
    alert: ("data", "acknowledged_by", "resolved_by", "why"),
    page: ("data", "recipient", "address", "tried", "detail"),
    silence: ("owner", "why"),
}
