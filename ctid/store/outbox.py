"""Drafts on their way: what is due is claimed with a lease, and settled after one attempt.

One row for each destination and key holds what the other system has to have (`draft`, `revision`)
and what is known of its side (`remote_id`, `sent_revision`). `trying_revision` is set before
anything is sent: found set by a later claim, nobody knows whether that attempt was carried out.
"""

import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Dialect,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.store import db
from ctid.store.schema import outbox
from ctid.store.texts import optional_text

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
    here, whatever the clock says. Nothing is put off beyond `farthest`: what is due later was put
    off before the clock was set back, and is due now.
    """
    due = (
        select(
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
        .where(
            _waits(destination, under_way),
            or_(_C.next_at <= now, _C.next_at > farthest),
            or_(_C.lease_until.is_(None), _C.lease_until <= now, _C.lease_until > farthest),
        )
        .order_by(_C.next_at, _C.decided_at)
        .limit(limit)
        # two daemons with one PostgreSQL: each row is for one of them
        .with_for_update(skip_locked=True)
    )
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
    leased = and_(_C.lease_until.is_not(None), _C.lease_until > _C.next_at)
    due = select(func.min(case((leased, _C.lease_until), else_=_C.next_at))).where(
        _waits(destination, under_way)
    )
    found: float | None = await connection.scalar(due)
    return found


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
    mine = and_(
        _C.destination == destination,
        _C.key == bindparam("b_key"),
        _C.lease_until == bindparam("b_lease"),
    )
    delivered = bindparam("b_state") == OutboxState.DELIVERED.value
    newer = and_(delivered, _C.revision > bindparam("b_sent"))
    statement = (
        update(outbox)
        .where(mine)
        .values(
            # what was dropped meanwhile stays so
            state=case(
                (_C.state != OutboxState.PENDING.value, _C.state),
                (newer, OutboxState.PENDING.value),
                else_=bindparam("b_state"),
            ),
            next_at=bindparam("b_next"),
            lease_until=None,
            attempts=bindparam("b_attempts"),
            trying_revision=bindparam("b_unsure"),
            sent_revision=bindparam("b_sent"),
            remote_id=bindparam("b_remote"),
            url=bindparam("b_url"),
            reason=bindparam("b_reason"),
            detail=bindparam("b_detail"),
            settled_at=bindparam("b_settled"),
        )
    )
    rows: list[dict[str, Any]] = [
        {
            "b_key": s.key,
            "b_lease": s.lease_until,
            "b_state": s.state.value,
            "b_next": s.next_at,
            "b_attempts": s.attempts,
            "b_unsure": s.unsure,
            "b_sent": s.sent_revision,
            "b_remote": optional_text(s.remote_id),
            "b_url": optional_text(s.url),
            "b_reason": s.reason,
            "b_detail": optional_text(s.detail and s.detail[:_LONGEST_DETAIL]),
            "b_settled": s.settled_at,
        }
        for s in settlements
    ]
    if rows:
        await connection.execute(statement, rows)
