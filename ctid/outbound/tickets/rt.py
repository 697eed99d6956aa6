"""Request Tracker 5, by its REST2 interface.

A ticket is known by a custom field that holds the key. RT takes a ticket whose field it does not
know, or may not set, without a word: so the queue is looked at before the first ticket goes into
it, and that ticket is looked at afterwards. Nor does a search say what it may not show: so where it
finds nothing, a ticket that was seen before is looked at.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import structlog

from ctid.config.backends import RtBackend
from ctid.domain.drafts import Stage
from ctid.outbound.http import Http
from ctid.outbound.port import UNCLEAR, DeliveryError, Document, Finding, Reason, Remote
from ctid.outbound.tickets import notes, shapes
from ctid.outbound.tickets.rt_check import Examination
from ctid.outbound.tickets.rt_rest2 import (
    ROOT,
    find_queue,
    find_tickets,
    get,
    has_field,
    lacks,
    quoted,
    refusal,
)

log = structlog.get_logger("ctid")

_LONGEST_SUBJECT: Final = 200
_PAGE: Final = 100
_NO_DATE: Final = "1970-01-01 00:00:00"
_PASSES: Final = UNCLEAR | {Reason.UNREACHABLE, Reason.BUSY}
_PLACE_IS_OTHER: Final = frozenset({Reason.DENIED, Reason.MISCONFIGURED, Reason.REJECTED})


@dataclass(slots=True)
class _Queue:
    """A queue that was looked at.

    `proven`: a ticket there that took its key. `keyless`: one that did not, or was not shown.
    """

    id: int
    name: str
    proven: int | None = None
    keyless: tuple[int, str] | None = None
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


class RequestTracker:
    """The port `Backend`. It connects when it is first asked."""

    def __init__(self, table: RtBackend) -> None:
        self._table = table
        token = table.token.reveal() if table.token else ""
        self._http = Http.of(table, {"Authorization": f"token {token}"})
        self._queues: dict[str, _Queue] = {}
        self._takes_changes: bool | None = None
        self._sees_comments = False
        self._comment_to_see = ""

    async def close(self) -> None:
        await self._http.close()

    async def check(self) -> list[Finding]:
        return await Examination(self._http, self._table).findings()

    async def create(self, document: Document) -> Remote:
        line = document.draft.line.name
        name = self._table.queues.get(line, self._table.queue)
        try:
            queue = await self._queue(name)
            if queue.proven is not None:
                return await self._post(queue, document)
            async with queue.one_at_a_time:
                return await self._prove(queue, document)
        except DeliveryError as error:
            if error.reason in _PLACE_IS_OTHER:
                self._forget(name)
            raise

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        ticket = await self._ticket(int(remote.id))
        if ticket.get("Status") == "deleted":
            raise DeliveryError(Reason.GONE, f"RT's ticket {remote.id} was deleted")
        await self._bring_up(ticket, document)
        if unsure and await self._has_note(ticket, notes.mark(document)):
            return
        await self._comment(remote, document)

    async def _comment(self, remote: Remote, document: Document) -> None:
        what = f"comment on ticket {remote.id}"
        forbidden = lacks(what, "CommentOnTicket")
        answer = await self._http.request(
            "POST",
            f"{ROOT}/ticket/{remote.id}/comment",
            json={"Content": notes.note(document), "ContentType": "text/plain"},
            forbidden=forbidden,
        )
        if answer.status != HTTPStatus.CREATED:
            raise refusal(answer, f"a {what}", about_ticket=True, forbidden=forbidden)
        if not self._sees_comments:
            self._comment_to_see = answer.headers.get("Location", "").rpartition("/")[2]
            with suppress(DeliveryError):  # it is there, whatever was to be seen
                await self._look_at_comments()

    async def look_up(self, key: str) -> Remote | None:
        found = await find_tickets(
            self._http,
            f"{quoted(f'CF.{{{self._table.key_field}}}')} = {quoted(key)}",
            fields="CustomFields",
            orderby="id",
            order="ASC",
            per_page=str(_PAGE),
        )
        # databases differ in whether case matters
        ids = [shapes.number(item) for item in found if self._bears(item, key)]
        if ids:
            return self._remote(min(ids))
        for queue in list(self._queues.values()):
            await self._look_at_proven(queue)
        return None

    async def _look_at_proven(self, queue: _Queue) -> None:
        """Without ShowTicket a search finds nothing, whatever is there.

        Raises DeliveryError DENIED then.
        """
        if queue.proven is None:
            return
        try:
            await self._ticket(queue.proven)
        except DeliveryError as error:
            # that one may have been moved to where it cannot be seen
            if error.reason is Reason.GONE:
                return
            if not await find_tickets(self._http, f"Queue = {quoted(str(queue.id))}", per_page="1"):
                raise

    # -- the queue, and the key -------------------------------------------------------------------

    async def _queue(self, name: str) -> _Queue:
        known = self._queues.get(name)
        if known is None:
            found = await find_queue(self._http, name)
            if found is None:
                raise DeliveryError(
                    Reason.MISCONFIGURED,
                    f"RT has no queue `{name}`, or the token's user may not see it",
                )
            if not has_field(found, self._table.key_field):
                raise DeliveryError(
                    Reason.MISCONFIGURED,
                    f"RT's queue `{name}` has no custom field `{self._table.key_field}` for "
                    "tickets, or the token's user may not see it",
                )
            known = self._queues.setdefault(name, _Queue(shapes.number(found), name))
        return known

    def _forget(self, name: str) -> None:
        known = self._queues.get(name)
        if known is not None and known.keyless is None:
            del self._queues[name]

    async def _prove(self, queue: _Queue, document: Document) -> Remote:
        if queue.keyless is not None:
            await self._mend_keyless(queue, *queue.keyless)
            queue.keyless = None
        remote = await self._post(queue, document)
        number = int(remote.id)
        # it is made, whatever is to be seen now
        try:
            if await self._takes_key(queue, number, document.key):
                queue.proven = number
            else:
                queue.keyless = (number, document.key)
        except DeliveryError as error:
            if error.reason not in _PASSES:  # else the next one proves it
                queue.keyless = (number, document.key)
        return remote

    async def _mend_keyless(self, queue: _Queue, ticket: int, key: str) -> None:
        """Raises DeliveryError, for no reason that would be final for the ticket to be made."""
        try:
            takes = await self._takes_key(queue, ticket, key)
        except DeliveryError as error:
            if error.reason is Reason.GONE:
                return  # somebody has cleaned up; the next one tells
            if error.reason is Reason.REJECTED:
                raise DeliveryError(Reason.MISCONFIGURED, str(error)) from None
            raise
        if not takes:
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"RT's ticket {ticket} did not take its key, so no more are made in queue "
                f"`{queue.name}`: grant ModifyCustomField for `{self._table.key_field}`",
            )

    async def _takes_key(self, queue: _Queue, ticket: int, key: str) -> bool:
        unseen = (
            f"cannot prove that ticket {ticket} took its key, so no more are made in queue "
            f"`{queue.name}`: grant ShowTicket"
        )
        if self._bears(await self._ticket(ticket, unseen), key):
            return True
        await self._put(ticket, {"CustomFields": {self._table.key_field: key}})
        return self._bears(await self._ticket(ticket, unseen), key)

    def _bears(self, ticket: dict[str, Any], key: str) -> bool:
        return any(
            one.get("name") == self._table.key_field and key in shapes.texts(one, "values")
            for one in shapes.objects(ticket, "CustomFields")
        )

    # -- the ticket -------------------------------------------------------------------------------

    async def _post(self, queue: _Queue, document: Document) -> Remote:
        ticket: dict[str, Any] = {
            "Queue": str(queue.id),
            "Subject": document.subject[:_LONGEST_SUBJECT],
            "Content": document.body,
            "ContentType": "text/plain",
            "CustomFields": {self._table.key_field: document.key},
        }
        if self._table.requestor:
            ticket["Requestor"] = self._table.requestor
        due = _due(document)
        if due is not None and due != _NO_DATE:
            ticket["Due"] = due
        forbidden = lacks(f"make tickets in queue `{queue.name}`", "CreateTicket")
        answer = await self._http.request(
            "POST", f"{ROOT}/ticket", json=ticket, forbidden=forbidden
        )
        if answer.status != HTTPStatus.CREATED:
            raise refusal(answer, f"a ticket in queue `{queue.name}`")
        return self._remote(shapes.number(shapes.members(answer)))

    async def _ticket(self, number: int, unseen: str | None = None) -> dict[str, Any]:
        return await get(
            self._http,
            f"/ticket/{number}",
            f"ticket {number}",
            about_ticket=True,
            forbidden=unseen or lacks(f"see ticket {number}", "ShowTicket"),
        )

    async def _put(self, number: int, changes: dict[str, Any]) -> None:
        answer = await self._http.request(
            "PUT",
            f"{ROOT}/ticket/{number}",
            json=changes,
            forbidden=lacks(f"change ticket {number}", "ShowTicket and ModifyTicket"),
        )
        if answer.status != HTTPStatus.OK:
            raise refusal(answer, f"a change of ticket {number}", about_ticket=True)

    async def _bring_up(self, ticket: dict[str, Any], document: Document) -> None:
        """Subject and due time, unless somebody else has set them since."""
        subject = document.subject[:_LONGEST_SUBJECT]
        changes = {} if ticket.get("Subject") == subject else {"Subject": subject}
        due = _due(document)
        if due is not None and (ticket.get("Due") or _shown(_NO_DATE)) != _shown(due):
            changes["Due"] = due
        if not changes:
            return
        theirs = {
            shapes.text(one, "Field")
            for one in await self._history(ticket)
            if one.get("Type") == "Set" and not _is_ours(one, ticket)
        }
        changes = {name: value for name, value in changes.items() if name not in theirs}
        if changes:
            await self._put(shapes.number(ticket), changes)
            if not self._takes_changes:
                await self._look_at_changes(shapes.number(ticket), ticket, changes)

    async def _look_at_changes(
        self, number: int, before: dict[str, Any], changes: dict[str, Any]
    ) -> None:
        """RT answers 200 to changes that it refuses; they are no reason to be without the note."""
        now = await self._ticket(number)
        takes = any(now.get(name) != before.get(name) for name in changes)
        if not takes and self._takes_changes is None:
            log.warning(
                "ticket_not_changed",
                ticket=number,
                why=f"RT left {' and '.join(changes)} as before: grant ModifyTicket",
            )
        self._takes_changes = takes

    async def _has_note(self, ticket: dict[str, Any], sign: str) -> bool:
        await self._look_at_comments()
        for one in await self._history(ticket):
            if one.get("Type") == "Comment" and _is_ours(one, ticket):
                found = await get(
                    self._http,
                    f"/transaction/{shapes.number(one)}/attachments",
                    "a comment",
                    {"fields": "Content"},
                    about_ticket=True,
                    forbidden=lacks("see comments", "ShowTicketComments"),
                )
                for part in shapes.objects(found, "items"):
                    if notes.bears(shapes.text(part, "Content"), sign):
                        return True
        return False

    async def _look_at_comments(self) -> None:
        """Without ShowTicketComments no comment can be found again, not even one's own.

        Raises DeliveryError DENIED then.
        """
        if not self._sees_comments and self._comment_to_see:
            path = f"{ROOT}/transaction/{self._comment_to_see}"
            await self._http.request(
                "GET", path, forbidden=lacks("see comments", "ShowTicketComments")
            )
            self._sees_comments = True

    async def _history(self, ticket: dict[str, Any]) -> list[dict[str, Any]]:
        """All that happened to the ticket, newest first."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = await get(
                self._http,
                f"/ticket/{shapes.number(ticket)}/history",
                "a ticket's history",
                {
                    "fields": "Type,Field,Creator",
                    "orderby": "id",
                    "order": "DESC",
                    "per_page": str(_PAGE),
                    "page": str(page),
                },
                about_ticket=True,
                forbidden=lacks("see a ticket's history", "ShowTicket"),
            )
            items = shapes.objects(answer, "items")
            found += items
            if len(items) < _PAGE:  # the total is null for whoever may not see everything
                return found
            page += 1

    def _remote(self, number: int) -> Remote:
        return Remote(str(number), f"{self._table.url.rstrip('/')}/Ticket/Display.html?id={number}")


def _date(at: float) -> str:
    """As RT takes and keeps times: UTC, whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _due(document: Document) -> str | None:
    """By when it has to be done, as RT takes it; None: the draft says nothing about that."""
    if document.draft.stage is Stage.RETURNED:
        return _NO_DATE  # else the ticket would become overdue
    due = document.draft.due_at
    return None if due is None else _date(due)


def _shown(date: str) -> str:
    """As REST2 answers it."""
    return date.replace(" ", "T") + "Z"


def _is_ours(change: dict[str, Any], ticket: dict[str, Any]) -> bool:
    """Whether the one who made the ticket did it."""
    return shapes.inner(change, "Creator").get("id") == shapes.inner(ticket, "Creator").get("id")
