"""What the drafts tell of callers who were missed: their customer, and where their tickets are."""

import contextlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import select, tuple_

from ctid.domain.returns import ToReturn
from ctid.store.drafts import draft_from_json
from ctid.store.queries import Reader
from ctid.store.schema import outbox

_O: Final = outbox.c
_CALLS_AT_ONCE: Final = 500


class Ticket(NamedTuple):
    """A ticket, by what its system calls it."""

    backend: str
    ticket: str
    url: str | None


class Told(NamedTuple):
    """Of one caller. Of several tickets in one system, the newest."""

    customer: str | None
    tickets: tuple[Ticket, ...]


async def told(reader: Reader, entries: Sequence[ToReturn]) -> list[Told]:
    """Give it for each entry, in their order. Raises StoreUnavailable.

    A system that has no ids of its own, such as a file, keeps tickets by the key of the draft,
    which nobody can open: these are left out.
    """
    found = await _drafts(reader, [miss[:2] for entry in entries for miss in entry.misses])
    return [_of(entry, found) for entry in entries]


class _Row(NamedTuple):
    pbx: str
    uniqueid: str
    destination: str
    key: str
    remote_id: str | None
    url: str | None
    draft: str


_Drafts = dict[tuple[str, str], list[_Row]]


async def _drafts(reader: Reader, calls: Sequence[tuple[str, str]]) -> _Drafts:
    """The drafts that begin with each of these calls."""
    found: _Drafts = {}
    query = select(*(_O[name] for name in _Row._fields)).order_by(_O.destination)
    async with reader.transaction() as connection:
        for first in range(0, len(calls), _CALLS_AT_ONCE):
            some = calls[first : first + _CALLS_AT_ONCE]
            rows = await connection.execute(query.where(tuple_(_O.pbx, _O.uniqueid).in_(some)))
            for row in map(_Row._make, rows):
                found.setdefault((row.pbx, row.uniqueid), []).append(row)
    return found


def _of(entry: ToReturn, drafts: _Drafts) -> Told:
    customer: str | None = None
    tickets: dict[str, Ticket] = {}
    for miss in entry.misses:  # the newest last
        for row in drafts.get((miss.pbx, miss.uniqueid), ()):
            customer = _customer(row.draft) or customer
            if row.remote_id is not None and row.remote_id != row.key:
                tickets[row.destination] = Ticket(row.destination, row.remote_id, row.url)
    return Told(customer, tuple(tickets.values()))


def _customer(text: str) -> str | None:
    with contextlib.suppress(ValueError):  # of a newer ctid perhaps
        contact = draft_from_json(text).caller.contact
        return contact.customer if contact is not None else None
    return None
