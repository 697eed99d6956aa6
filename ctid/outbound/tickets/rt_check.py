"""The examination of a Request Tracker: everything that create, update and look-up need."""

from typing import Any

from ctid.config.backends import RtBackend
from ctid.outbound.findings import of_failure
from ctid.outbound.http import Http
from ctid.outbound.port import DeliveryError, Finding, Reason
from ctid.outbound.tickets import shapes
from ctid.outbound.tickets.rt_rest2 import find_queue, find_tickets, get, has_field, quoted


class Examination:
    """Asks once, changes nothing, never raises."""

    def __init__(self, http: Http, table: RtBackend) -> None:
        self._http = http
        self._table = table

    async def findings(self) -> list[Finding]:
        """In the order in which things have to be mended; it ends where the rest needs them."""
        try:
            found = await get(self._http, "/rt", "its version")
        except DeliveryError as error:
            remedy = None
            if error.reason is Reason.DENIED:
                remedy = "make a new authentication token in RT, and put it into the token file"
            elif error.reason is Reason.MISCONFIGURED:
                remedy = "set `url` to RT's address, without /REST/2.0; REST2 is part of RT 5"
            return [of_failure("address and token", error, remedy)]
        version = shapes.text(found, "Version") or "unknown version"
        findings = [Finding(ok=True, what=f"address and token: RT {version}")]
        for name in dict.fromkeys([self._table.queue, *self._table.queues.values()]):
            try:
                findings += await self._queue(name)
            except DeliveryError as error:
                findings.append(of_failure(f"queue `{name}`", error))
        return findings

    async def _queue(self, name: str) -> list[Finding]:
        queue = await find_queue(self._http, name)
        if queue is None:
            return [
                Finding(
                    ok=False,
                    what=f"queue `{name}`: not there, or the token's user may not see it",
                    remedy="correct `queue` or `queues`, or grant SeeQueue",
                )
            ]
        where = f"queue `{name}`"
        number = shapes.number(queue)
        findings = [
            Finding(ok=True, what=f"{where}: there"),
            _right(
                ok="create" in _links(queue), what=f"{where}: create tickets", right="CreateTicket"
            ),
            self._field(queue, where),
        ]
        if has_field(queue, self._table.key_field):
            findings.append(await self._key(number, where))
        return findings + await self._rights(number, where)

    def _field(self, queue: dict[str, Any], where: str) -> Finding:
        name = self._table.key_field
        if has_field(queue, name):
            return Finding(ok=True, what=f"{where}: custom field `{name}`: there")
        return Finding(
            ok=False,
            what=f"{where}: custom field `{name}`: not there, or the token's user may not see it",
            remedy="make it for tickets, `Enter one value`, apply it to the queue, and grant "
            "SeeCustomField and ModifyCustomField",
        )

    async def _rights(self, queue: int, where: str) -> list[Finding]:
        """RT tells what its user may do only by a ticket, so the newest one is looked at."""
        ticket = await self._newest(f"Queue = {quoted(str(queue))}", "_hyperlinks")
        if ticket is None:
            return [
                Finding(
                    ok=True,
                    what=f"{where}: not known yet: whether its tickets may be seen (ShowTicket), "
                    "changed (ModifyTicket) and commented on (CommentOnTicket, "
                    "ShowTicketComments); RT shows none, so check again after the first",
                )
            ]
        links = _links(ticket)
        return [
            Finding(ok=True, what=f"{where}: see tickets: allowed"),
            _right(
                ok="comment" in links, what=f"{where}: comment on tickets", right="CommentOnTicket"
            ),
            _right(ok="lifecycle" in links, what=f"{where}: change tickets", right="ModifyTicket"),
        ]

    async def _key(self, queue: int, where: str) -> Finding:
        """RT tells whether the user may set the field only by what became of it."""
        name = self._table.key_field
        own = f"Queue = {quoted(str(queue))} AND Creator = '__CurrentUser__'"
        ticket = await self._newest(own, "CustomFields")
        if ticket is None:
            return Finding(
                ok=True,
                what=f"{where}: not known yet: whether tickets take their key "
                "(ModifyCustomField); RT shows none of this user, so check again after the first",
            )
        number = shapes.number(ticket)
        if any(
            one.get("name") == name and shapes.texts(one, "values")
            for one in shapes.objects(ticket, "CustomFields")
        ):
            return Finding(ok=True, what=f"{where}: keep the key: ticket {number} has one")
        return Finding(
            ok=False,
            what=f"{where}: the user's newest ticket, {number}, has no key in `{name}`",
            remedy="grant ModifyCustomField to the user; the next ticket shows whether it helped",
        )

    async def _newest(self, query: str, fields: str) -> dict[str, Any] | None:
        tickets = await find_tickets(
            self._http, query, fields=fields, orderby="id", order="DESC", per_page="1"
        )
        return tickets[0] if tickets else None


def _links(record: dict[str, Any]) -> set[str]:
    """What REST2 offers to do with it, which follows the rights."""
    return {shapes.text(link, "ref") for link in shapes.objects(record, "_hyperlinks")}


def _right(*, ok: bool, what: str, right: str) -> Finding:
    if ok:
        return Finding(ok=True, what=f"{what}: allowed")
    return Finding(ok=False, what=f"{what}: not allowed", remedy=f"grant {right} to the user")
