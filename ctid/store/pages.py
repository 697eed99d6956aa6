"""Pages on their way: what is due is claimed with a lease, and settled after one attempt.

One row is one message to one recipient. It stands for one route at a time; one that fails there
goes on, in the same row, by the recipient's next route. Whether a page arrived cannot be looked up
on any channel: what was being sent when a lease ended is sent again, under the same key.
"""

import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.alerts import PageEvent
from ctid.store.schema import page
from ctid.store.texts import optional_text, text

_C: Final = page.c
_LONGEST_DETAIL: Final = 300
_MOST_TRIED: Final = 24
"""The newest routes that were tried and left; an hour may see some hundred."""


class PageState(StrEnum):
    """How a page stands."""

    PENDING = "pending"
    """Has to be sent, now or later."""
    DELIVERED = "delivered"
    """A channel said that it has it."""
    FAILED = "failed"
    """None of the recipient's channels took it in time."""
    DROPPED = "dropped"
    """What it was about was over before it could be sent."""


class Tried(NamedTuple):
    """A route that was left at `at` (Unix seconds), and why."""

    channel: str
    at: float
    reason: str
    detail: str


class Claim(NamedTuple):
    """A page to attempt. `data` is the page as JSON; docs/store.md has the meaning of the others.

    `began_at` is when it was claimed first, `route_at` when first on this route: never None here.
    """

    alert: int
    seq: int
    event: PageEvent
    recipient: str
    route: int
    channel: str
    address: str | None
    data: str
    decided_at: float
    due_at: float
    attempts: int
    began_at: float
    route_at: float
    tried: tuple[Tried, ...]
    lease_until: float

    @property
    def key(self) -> tuple[int, int]:
        return (self.alert, self.seq)


class Settlement(NamedTuple):
    """What became of a claim; written if the lease is still the same.

    `next_at` 0: at once, whatever the clock says. `route_at` None: it is new on its route.
    """

    alert: int
    seq: int
    lease_until: float
    state: PageState
    route: int
    channel: str
    address: str | None
    next_at: float
    attempts: int
    began_at: float
    route_at: float | None
    tried: tuple[Tried, ...]
    reason: str | None
    detail: str | None
    settled_at: float | None
    message_key: str | None


_CLAIMED: Final = (
    _C.alert,
    _C.seq,
    _C.event,
    _C.recipient,
    _C.route,
    _C.channel,
    _C.address,
    _C.data,
    _C.decided_at,
    _C.due_at,
    _C.attempts,
    _C.began_at,
    _C.route_at,
    _C.tried,
    _C.lease_until,
)


async def claim(
    connection: AsyncConnection,
    channel: str,
    now: float,
    lease_until: float,
    limit: int,
    *,
    known: Collection[str] | None = None,
    farthest: float = math.inf,
) -> list[Claim]:
    """Take what is due, the longest due first, and keep it from others until the lease is over.

    `known` are all channels that there are: whatever is to go by another one comes, too, so that
    somebody takes care of it; None: only `channel`. Nothing is put off or leased beyond `farthest`:
    what is later was written before the clock was set back, and is due now.
    """
    due = (
        select(_C.alert, _C.seq)
        .where(
            _waits(channel, known),
            or_(_C.next_at <= now, _C.next_at > farthest),
            or_(_C.lease_until.is_(None), _C.lease_until <= now, _C.lease_until > farthest),
        )
        .order_by(_C.due_at, _C.alert, _C.seq)
        .limit(limit)
        # two daemons with one PostgreSQL: each row is for one of them
        .with_for_update(skip_locked=True)
        # in front of the statement it is carried out once
        .cte("due")
    )
    lease = (
        update(page)
        .where(tuple_(_C.alert, _C.seq).in_(select(due.c.alert, due.c.seq)))
        .values(
            lease_until=lease_until,
            began_at=func.coalesce(_C.began_at, now),
            route_at=func.coalesce(_C.route_at, now),
        )
        .returning(*_CLAIMED)
    )
    claims = [_claim(row) for row in await connection.execute(lease)]
    return sorted(claims, key=lambda claim: (claim.due_at, claim.alert, claim.seq))


def _claim(row: Sequence[Any]) -> Claim:
    found = Claim(*row)
    return found._replace(event=PageEvent(found.event), tried=tried_from(row[13]))


async def next_due(
    connection: AsyncConnection, channel: str, *, known: Collection[str] | None = None
) -> float | None:
    """Give when the next page is due, whose lease, if any, is over by then; None: none waits."""
    leased = and_(_C.lease_until.is_not(None), _C.lease_until > _C.next_at)
    due = select(func.min(case((leased, _C.lease_until), else_=_C.next_at))).where(
        _waits(channel, known)
    )
    found: float | None = await connection.scalar(due)
    return found


def _waits(channel: str, known: Collection[str] | None) -> ColumnElement[bool]:
    mine = _C.channel == channel
    if known is not None:
        mine = or_(mine, _C.channel.not_in(known))
    return and_(_C.state == PageState.PENDING.value, mine)


async def told(connection: AsyncConnection, alerts: Collection[int]) -> set[tuple[int, str]]:
    """Give who has been told of one of these alerts: pairs of alert and recipient."""
    arrived = _C.state == PageState.DELIVERED.value
    query = select(_C.alert, _C.recipient).where(_C.alert.in_(alerts), arrived).distinct()
    return {(alert, recipient) for alert, recipient in await connection.execute(query)}


async def release(connection: AsyncConnection, channel: str) -> None:
    """End the leases of a channel: whoever had them is no more.

    To be called at a start, where no other daemon can use the same database (SQLite).
    """
    held = and_(_waits(channel, None), _C.lease_until.is_not(None))
    await connection.execute(update(page).where(held).values(lease_until=None))


async def hurry(connection: AsyncConnection, channel: str) -> None:
    """Have the pages of a channel sent now that wait for the end of a pause."""
    rests = and_(_waits(channel, None), _C.lease_until.is_(None), _C.next_at > 0.0)
    await connection.execute(update(page).where(rests).values(next_at=0.0))


async def settle(connection: AsyncConnection, settlements: Sequence[Settlement]) -> None:
    """Write what became of claims. What was settled by somebody else meanwhile stays so."""
    waits = bindparam("b_state") == PageState.PENDING.value

    def last(name: str) -> ColumnElement[Any]:
        # what waits on untried has still failed for the reason that stands there
        kept: ColumnElement[Any] = func.coalesce(bindparam(f"b_{name}"), _C[name])
        return case((waits, kept), else_=bindparam(f"b_{name}"))

    statement = (
        update(page)
        .where(
            _C.alert == bindparam("b_alert"),
            _C.seq == bindparam("b_seq"),
            _C.lease_until == bindparam("b_lease"),
            _C.state == PageState.PENDING.value,
        )
        .values(
            state=bindparam("b_state"),
            route=bindparam("b_route"),
            channel=bindparam("b_channel"),
            address=bindparam("b_address"),
            next_at=bindparam("b_next"),
            lease_until=None,
            attempts=bindparam("b_attempts"),
            began_at=bindparam("b_began"),
            route_at=bindparam("b_route_at"),
            tried=bindparam("b_tried"),
            reason=last("reason"),
            detail=last("detail"),
            settled_at=bindparam("b_settled"),
            message_key=bindparam("b_message"),
        )
    )
    rows: list[dict[str, Any]] = [
        {
            "b_alert": s.alert,
            "b_seq": s.seq,
            "b_lease": s.lease_until,
            "b_state": s.state.value,
            "b_route": s.route,
            "b_channel": text(s.channel),
            "b_address": optional_text(s.address),
            "b_next": s.next_at,
            "b_attempts": s.attempts,
            "b_began": s.began_at,
            "b_route_at": s.route_at,
            "b_tried": tried_to(s.tried),
            "b_reason": s.reason,
            "b_detail": optional_text(s.detail and s.detail[:_LONGEST_DETAIL]),
            "b_settled": s.settled_at,
            "b_message": optional_text(s.message_key),
        }
        for s in settlements
    ]
    if rows:
        await connection.execute(statement, rows)


def tried_to(tried: Sequence[Tried]) -> str:
    """The newest of them as JSON."""
    return orjson.dumps(
        [
            {
                "channel": text(left.channel),
                "at": left.at,
                "reason": left.reason,
                "detail": text(left.detail)[:_LONGEST_DETAIL],
            }
            for left in tried[-_MOST_TRIED:]
        ]
    ).decode()


def tried_from(found: str) -> tuple[Tried, ...]:
    """Read what `tried_to` wrote."""
    return tuple(
        Tried(each["channel"], each["at"], each["reason"], each["detail"])
        for each in (orjson.loads(found) if found != "[]" else ())
    )
