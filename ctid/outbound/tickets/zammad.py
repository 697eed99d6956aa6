"""Zammad, by its REST API (docs.zammad.org/en/latest/api/); docs/tickets-zammad.md tells the setup.

Zammad drops attributes that it does not know without a word. A ticket without its key could be made
twice, so nothing is made before the attribute was seen on some ticket, or there is none at all.
"""

from http import HTTPStatus
from typing import Any, Final

from ctid.config.backends import ZammadBackend
from ctid.outbound.http import LONGEST_ANSWER, Answer, Http
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote
from ctid.outbound.tickets.zammad_check import examine

_TICKETS: Final = "/api/v1/tickets"
_LONGEST_TITLE: Final = 200
_LONGEST_CONVERSATION: Final = 32 * LONGEST_ANSWER
"""All articles of a ticket come in one answer, with what people have written and pasted there."""
_FEW: Final = 50
"""The search goes by words: other tickets may have those of a key, in the same order, too."""
_REFUSING: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


class Zammad:
    """Tickets with an article of type phone; each further revision is an internal note."""

    def __init__(self, table: ZammadBackend) -> None:
        headers = {"Accept": "application/json"}  # errors would be pages for people
        if table.token is not None:
            headers["Authorization"] = f"Token token={table.token.reveal()}"
        self._table = table
        self._http = Http.of(table, headers)
        self._has_field = False

    async def create(self, document: Document) -> Remote:
        await self._need_field()
        customer = self._table.customer
        ticket = {
            "title": _cut(document.subject),
            "group": self._table.groups.get(document.draft.line.name, self._table.group),
            "customer_id": int(customer) if customer.isdecimal() else customer,
            self._table.key_field: document.key,
            "article": {**self._article(document), "type": "phone", "internal": False},
        }
        made = self._of(
            await self._http.request("POST", _TICKETS, json=ticket), Reason.MISCONFIGURED
        )
        return self._remote(self._number(made))

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        """Add an internal note. Title, group and state are people's, and stay."""
        if unsure and await self._has_note(remote, document):
            return
        note = {"article": {**self._article(document), "type": "note", "internal": True}}
        self._of(await self._http.request("PUT", f"{_TICKETS}/{remote.id}", json=note), Reason.GONE)

    async def look_up(self, key: str) -> Remote | None:
        """Search for the key. Zammad's index lags: None may mean that it is not there yet."""
        answer = await self._http.request(
            "GET",
            f"{_TICKETS}/search",
            params={"query": self._query(key), "limit": str(_FEW), "expand": "true"},
            longest=_LONGEST_CONVERSATION,
        )
        tickets = self._list(self._of(answer, Reason.MISCONFIGURED))
        field = self._table.key_field
        found = [self._number(ticket) for ticket in tickets if ticket.get(field) == key]
        return self._remote(min(found)) if found else None

    async def check(self) -> list[Finding]:
        return await examine(self._http, self._table)

    async def close(self) -> None:
        await self._http.close()

    async def _need_field(self) -> None:
        if self._has_field:
            return
        answer = await self._http.request("GET", _TICKETS, params={"page": "1", "per_page": "1"})
        tickets = self._list(self._of(answer, Reason.MISCONFIGURED))
        if any(self._table.key_field not in ticket for ticket in tickets):
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"{self._http.host}: tickets have no attribute `{self._table.key_field}`, so that "
                "they could be made twice: add it in Zammad, or correct `key_field`",
            )
        self._has_field = bool(tickets)

    async def _has_note(self, remote: Remote, document: Document) -> bool:
        answer = await self._http.request(
            "GET",
            f"/api/v1/ticket_articles/by_ticket/{remote.id}",
            longest=_LONGEST_CONVERSATION,
        )
        mark = self._mark(document)
        articles = self._list(self._of(answer, Reason.GONE))
        return any(mark in str(article.get("body")) for article in articles)

    def _article(self, document: Document) -> dict[str, Any]:
        return {
            "subject": _cut(document.subject),
            "body": f"{document.body.rstrip()}\n\n{self._mark(document)}\n",
            "content_type": "text/plain",
        }

    def _mark(self, document: Document) -> str:
        """Names the revision in its article.

        It begins with the words of the search: without Elasticsearch, Zammad looks for these words
        themselves in articles.
        """
        return f"[{self._query(document.key)} revision {document.revision}]"

    def _query(self, key: str) -> str:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self._table.key_field}:"{escaped}"'

    def _of(self, answer: Answer, missing: Reason) -> Any:
        """What it holds; `missing` is what 404 means. 422 names something an admin can mend.

        Such are a group or customer that is not there, or an attribute that became mandatory. 400
        and 413 are about this document alone.
        """
        if answer.is_success:
            return answer.json()
        told = f"{self._http.host} answered {answer.status}: {answer.shown()}"
        if answer.status == HTTPStatus.NOT_FOUND:
            reason = missing
        elif answer.status in _REFUSING:
            reason = Reason.REJECTED
        else:
            reason = Reason.MISCONFIGURED
        raise DeliveryError(reason, told)

    def _list(self, told: Any) -> list[dict[str, Any]]:
        if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
            raise DeliveryError(Reason.BAD_ANSWER, f"{self._http.host} answered without a list")
        return told

    def _number(self, ticket: Any) -> int:
        number = ticket.get("id") if isinstance(ticket, dict) else None
        if not isinstance(number, int):
            raise DeliveryError(Reason.BAD_ANSWER, f"{self._http.host} answered without an id")
        return number

    def _remote(self, number: int) -> Remote:
        return Remote(str(number), f"{self._table.url.rstrip('/')}/#ticket/zoom/{number}")


def _cut(subject: str) -> str:
    return subject if len(subject) <= _LONGEST_TITLE else f"{subject[: _LONGEST_TITLE - 1]}…"
