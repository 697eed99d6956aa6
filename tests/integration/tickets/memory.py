"""A ticket system in memory that does what it is told to, and counts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote


@dataclass
class Ticket:
    """What stands in it: the key, and every revision that arrived."""

    key: str
    revisions: list[int] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)


@dataclass
class Memory:
    """`faults` are used up, one a request: the reason, and whether it was carried out all the same.

    While `gate` is clear requests wait. `id_of` makes a ticket's id of its number from 1.
    """

    tickets: list[Ticket] = field(default_factory=list)
    faults: list[tuple[Reason, bool]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    down: Reason | None = None
    retry_after: float | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    id_of: Callable[[int], str] = str
    under_way: int = 0
    most_under_way: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def of(self, key: str) -> Ticket:
        (found,) = (ticket for ticket in self.tickets if ticket.key == key)
        return found

    def keys(self) -> list[str]:
        return sorted(ticket.key for ticket in self.tickets)

    async def create(self, document: Document) -> Remote:
        async with _Request(self, f"create {document.key}") as request:
            if request.arrives:
                self.tickets.append(Ticket(document.key, [document.revision], [document.body]))
        number = len(self.tickets)
        return Remote(self.id_of(number), f"http://tickets/{number}")

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        async with _Request(self, f"update {document.key}") as request:
            ticket = self.tickets[int(remote.id) - 1]
            if request.arrives and not (unsure and document.revision in ticket.revisions):
                ticket.revisions.append(document.revision)
                ticket.bodies.append(document.body)

    async def look_up(self, key: str) -> Remote | None:
        async with _Request(self, f"look_up {key}"):
            pass
        for number, ticket in enumerate(self.tickets, 1):
            if ticket.key == key:
                return Remote(str(number), f"http://tickets/{number}")
        return None

    async def check(self) -> list[Finding]:
        return []

    async def close(self) -> None:
        pass


class _Request:
    def __init__(self, memory: Memory, what: str) -> None:
        self._memory = memory
        memory.requests.append(what)
        fault = memory.faults.pop(0) if memory.faults else None
        self._reason = memory.down or (fault[0] if fault else None)
        self.arrives = self._reason is None or (fault is not None and fault[1])

    async def __aenter__(self) -> Self:
        memory = self._memory
        memory.under_way += 1
        memory.most_under_way = max(memory.most_under_way, memory.under_way)
        try:
            await memory.gate.wait()
        except BaseException:
            memory.under_way -= 1
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._memory.under_way -= 1
        if kind is None and self._reason is not None:
            raise DeliveryError(
                self._reason, "as told", retry_after_seconds=self._memory.retry_after
            )
