"""Drafts on their way: what is due is claimed with a lease, and settled after one attempt.

One row for each destination and key holds what the other system has to have (`draft`, `revision`)
and what is known of its side (`remote_id`, `sent_revision`). `trying_revision` is set before
anything is sent: found set by a later claim, nobody knows whether that attempt was carried out.
"""

import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Dialect,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.store import db, leases
from ctid.store.schema import outbox

_C: Final = outbox.c
_LONGEST_DETAIL: Final = 500


class OutboxState(StrEnum):
    """How a draft stands."""

    PENDING = "pending"
    """Has to be sent, now or later."""
    DELIVERED = "delivered"
    """The other system has the newest revision."""
    DEAD = "dead"
    """The other system will never take it; `ctid outbox retry` tries again."""
    DROPPED = "dropped"
    """Somebody decided not to send it."""


class Claim(NamedTuple):
    """A draft to attempt. `unsure` is the revision of an attempt of which nobody knows the end."""

    key: str
    draft: str
    revision: int
    unsure: int | None
    sent_revision: int
    remote_id: str | None
    url: str | None
    attempts: int
    decided_at: float


class Settlement(NamedTuple):
    """What became of a claim; written if the lease is still the same.

    `sent_revision` is the newest that is known to be there, 0 for none. `unsure` stays set where
    nobody knows how the attempt ended.
    """

    key: str
    lease_until: float
    state: OutboxState
    next_at: float
    attempts: int
    sent_revision: int
    unsure: int | None
    remote_id: str | None
    url: str | None
    reason: str | None
    detail: str | None
    settled_at: float | None


_CLAIMED: Final = (
    _C.key,
    _C.draft,
    _C.revision,
    _C.trying_revision,
    _C.sent_revision,
    _C.remote_id,
    _C.url,
    _C.attempts,
    _C.decided_at,
)


def wanted_write(dialect: Dialect) -> db.Write:
    """Give the statement that says what a destination has to have.

    The same draft again changes nothing; a new one is a revision. What is dead or was dropped
    stays so, with the newest draft in it.
    """
    insert = db.insert_for(outbox, dialect)
    new = insert.excluded
    same = _C.draft == new.draft
    # literals, since all parameters are the columns of a row
    rests = or_(_C.state == _literal(OutboxState.DEAD), _C.state == _literal(OutboxState.DROPPED))
    waits = _C.state == _literal(OutboxState.PENDING)
    statement = insert.on_conflict_do_update(
        index_elements=["destination", "key"],
        set_={
            "draft": new.draft,
            "line": new.line,
            "stage": new.stage,
            "revision": case((same, _C.revision), else_=_C.revision + literal_column("1")),
            "state": case((or_(same, rests), _C.state), else_=_literal(OutboxState.PENDING)),
            "decided_at": case((same, _C.decided_at), else_=new.decided_at),
            "next_at": case((or_(same, waits), _C.next_at), else_=new.next_at),
        },
    )
    return db.compile_write(statement, dialect)


def _literal(state: OutboxState) -> ColumnElement[str]:
    return literal_column(f"'{state.value}'")


async def claim(
    connection: AsyncConnection,
    destination: str,
    now: float,
    lease_until: float,
    limit: int,
    *,
    under_way: Collection[str] = (),
    farthest: float = math.inf,
) -> list[Claim]:
    """Take what is due, the longest due first, and keep it from others until the lease is over.

    What was being tried when a lease ended comes again, as unsure; but not what is `under_way`
    here, whatever the clock says. What is beyond `farthest` is due, too.
    """
    waits = _waits(destination, under_way)
    due = leases.due(outbox, _CLAIMED, waits, now, farthest)
    due = due.order_by(_C.next_at, _C.decided_at).limit(limit)
    found = [Claim(*row) for row in await connection.execute(due)]
    if found:
        mine = and_(_C.destination == destination, _C.key == bindparam("b_key"))
        # a look-up alone tries nothing, and must not forget what was tried before
        trying = case(
            (and_(_C.trying_revision.is_not(None), _C.remote_id.is_(None)), _C.trying_revision),
            else_=_C.revision,
        )
        lease = update(outbox).where(mine).values(lease_until=lease_until, trying_revision=trying)
        await connection.execute(lease, [{"b_key": each.key} for each in found])
    return found


async def next_due(
    connection: AsyncConnection, destination: str, *, under_way: Collection[str] = ()
) -> float | None:
    """Give when the next draft is due, whose lease, if any, is over by then; None: none waits."""
    return await leases.next_due(connection, outbox, _waits(destination, under_way))


def _waits(destination: str, under_way: Collection[str]) -> ColumnElement[bool]:
    return and_(
        _C.state == OutboxState.PENDING.value,
        _C.destination == destination,
        _C.key.not_in(under_way),
    )


async def settle(
    connection: AsyncConnection, destination: str, settlements: Sequence[Settlement]
) -> None:
    """Write what became of claims. A newer revision that came meanwhile stays pending."""
    given = leases.given(Settlement._fields)
    mine = [_C[name] == given.pop(name) for name in ("key", "lease_until")]
    state, trying_revision = given.pop("state"), given.pop("unsure")
    delivered = state == OutboxState.DELIVERED.value
    newer = and_(delivered, _C.revision > given["sent_revision"])
    statement = (
        update(outbox)
        .where(_C.destination == destination, *mine)
        .values(
            **given,
            # what was dropped meanwhile stays so
            state=case(
                (_C.state != OutboxState.PENDING.value, _C.state),
                (newer, OutboxState.PENDING.value),
                else_=state,
            ),
            trying_revision=trying_revision,
            lease_until=None,
        )
    )
    rows = [
        leases.parameters(s._asdict() | {"detail": s.detail and s.detail[:_LONGEST_DETAIL]})
        for s in settlements
    ]
    if rows:
        await connection.execute(statement, rows)
