"""Rows that wait in an outbox: claimed with a lease when they are due, and settled."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.store.texts import text


def due(
    table: Table,
    columns: Sequence[ColumnElement[Any]],
    waits: ColumnElement[bool],
    now: float,
    farthest: float,
) -> Select[Any]:
    """Select what is due of those rows that wait, unless somebody has claimed it.

    Nothing is put off or leased beyond `farthest`: what is later was written before the clock was
    set back, and is due now.
    """
    next_at, lease_until = table.c.next_at, table.c.lease_until
    return (
        select(*columns)
        .where(
            waits,
            or_(next_at <= now, next_at > farthest),
            or_(lease_until.is_(None), lease_until <= now, lease_until > farthest),
        )
        # two daemons with one PostgreSQL: each row is for one of them
        .with_for_update(skip_locked=True)
    )


async def next_due(
    connection: AsyncConnection, table: Table, waits: ColumnElement[bool]
) -> float | None:
    """Give when the next of them is due, whose lease, if any, is over by then; None: none waits."""
    next_at, lease_until = table.c.next_at, table.c.lease_until
    leased = and_(lease_until.is_not(None), lease_until > next_at)
    first = select(func.min(case((leased, lease_until), else_=next_at))).where(waits)
    found: float | None = await connection.scalar(first)
    return found


def given(fields: Iterable[str]) -> dict[str, BindParameter[Any]]:
    """What stands for the fields of a settlement in a statement.

    By other names: under a column's own name it would be taken for the column.
    """
    return {name: bindparam(f"b_{name}") for name in fields}


def parameters(settlement: Mapping[str, Any]) -> dict[str, Any]:
    """The values for `given`."""
    return {
        f"b_{name}": text(str(value)) if isinstance(value, str) else value
        for name, value in settlement.items()
    }
