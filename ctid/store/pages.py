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
    case,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.alerts import PageEvent
from ctid.store import leases
from ctid.store.schema import page
from ctid.store.texts import text

_C: Final = page.c
_LONGEST_DETAIL: Final = 300
_MOST_TRIED: Final = 24
"""The first route that was tried and left, and the newest; an hour may see some hundred."""


class PageState(StrEnum):
    """How a page stands."""

    PENDING = "pending"
    """Has to be sent, now or later."""
    DELIVERED = "delivered"
    """A channel said that it has it."""
    FAILED = "failed"
    """None of the recipient's channels took it in time."""
    DROPPED = "dropped"
    """What it would have told held no more, or was told by a later one, before it could be sent."""


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


class Decided(NamedTuple):
    """A page, as far as it matters for others about the same alert to the same recipient."""

    alert: int
    seq: int
    recipient: str
    event: PageEvent
    state: PageState


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

    @property
    def key(self) -> tuple[int, int]:
        return (self.alert, self.seq)


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
    somebody takes care of it; None: only `channel`. What is beyond `farthest` is due, too.
    """
    due = (
        leases.due(page, (_C.alert, _C.seq), _waits(channel, known), now, farthest)
        .order_by(_C.due_at, _C.alert, _C.seq)
        .limit(limit)
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
        .returning(*(_C[name] for name in Claim._fields))
    )
    claims = [_claim(row) for row in await connection.execute(lease)]
    return sorted(claims, key=lambda claim: (claim.due_at, claim.alert, claim.seq))


def _claim(row: Any) -> Claim:
    return Claim(*row)._replace(event=PageEvent(row.event), tried=tried_from(row.tried))


async def next_due(
    connection: AsyncConnection, channel: str, *, known: Collection[str] | None = None
) -> float | None:
    """Give when the next page is due, whose lease, if any, is over by then; None: none waits."""
    return await leases.next_due(connection, page, _waits(channel, known))


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


async def decided(connection: AsyncConnection, alerts: Collection[int]) -> list[Decided]:
    """Give all pages about these alerts, in no order."""
    query = select(*(_C[name] for name in Decided._fields)).where(_C.alert.in_(alerts))
    return [
        Decided(*row)._replace(event=PageEvent(row.event), state=PageState(row.state))
        for row in await connection.execute(query)
    ]


async def release(
    connection: AsyncConnection, channel: str, held: Collection[tuple[int, int]] = ()
) -> None:
    """End the leases of a channel, but those of pages that are `held`: who had them is no more.

    To be called where no other daemon can use the same database (SQLite).
    """
    leased = and_(_waits(channel, None), _C.lease_until.is_not(None))
    if held:
        leased = and_(leased, tuple_(_C.alert, _C.seq).not_in(held))
    await connection.execute(update(page).where(leased).values(lease_until=None))


async def hurry(connection: AsyncConnection, channel: str) -> None:
    """Have the pages of a channel sent now that wait for the end of a pause."""
    rests = and_(_waits(channel, None), _C.lease_until.is_(None), _C.next_at > 0.0)
    await connection.execute(update(page).where(rests).values(next_at=0.0))


async def settle(connection: AsyncConnection, settlements: Sequence[Settlement]) -> None:
    """Write what became of claims. What was settled by somebody else meanwhile stays so."""
    given = leases.given(Settlement._fields)
    mine = [_C[name] == given.pop(name) for name in ("alert", "seq", "lease_until")]
    waits = given["state"] == PageState.PENDING.value

    def last(name: str) -> ColumnElement[Any]:
        # what waits on untried has still failed for the reason that stands there
        return case((waits, func.coalesce(given[name], _C[name])), else_=given[name])

    changed = given | {"lease_until": None, "reason": last("reason"), "detail": last("detail")}
    statement = update(page).where(*mine, _C.state == PageState.PENDING.value).values(changed)
    rows = [
        leases.parameters(
            s._asdict()
            | {"tried": tried_to(s.tried), "detail": s.detail and s.detail[:_LONGEST_DETAIL]}
        )
        for s in settlements
    ]
    if rows:
        await connection.execute(statement, rows)


def tried_to(tried: Sequence[Tried]) -> str:
    """The first and the newest of them as JSON."""
    kept = (*tried[:1], *tried[1:][1 - _MOST_TRIED :])
    return orjson.dumps(
        [
            {
                "channel": text(left.channel),
                "at": left.at,
                "reason": left.reason,
                "detail": text(left.detail)[:_LONGEST_DETAIL],
            }
            for left in kept
        ]
    ).decode()


def tried_from(found: str) -> tuple[Tried, ...]:
    """Read what `tried_to` wrote."""
    return tuple(
        Tried(each["channel"], each["at"], each["reason"], each["detail"])
        for each in (orjson.loads(found) if found != "[]" else ())
    )
