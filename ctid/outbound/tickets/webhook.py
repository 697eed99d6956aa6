"""Any system that takes a signed POST; docs/tickets-webhook.md is the contract.

Creating and updating are the same request: the receiver tells by key and revision.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from ctid.config.backends import WebhookBackend
from ctid.outbound import findings, signing
from ctid.outbound.http import Answer, Http
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote

_LONGEST_ID: Final = 255
_LONGEST_LINK: Final = 2000
_NOT_THERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.NO_CONTENT})


class Webhook:
    """Posts drafts to one address. `clock` tells Unix seconds: a signature holds the time."""

    def __init__(self, table: WebhookBackend, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock
        self._http = Http.of(table, signing.bearing(table.token))

    async def create(self, document: Document) -> Remote:
        return await self._post(document, updating=False)

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        """Post the revision; a receiver that has it already says so or takes it as the same."""
        del remote, unsure
        await self._post(document, updating=True)

    async def look_up(self, key: str) -> Remote | None:
        """Ask for the ticket. Without `look_up` in the table: None, and posting again is safe."""
        if not self._table.look_up:
            return None
        answer = await self._http.request(
            "GET", "", params={"key": key}, headers=self._signed(key.encode())
        )
        if answer.status in _NOT_THERE:
            return None
        if not answer.is_success:
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"{self._http.host} answered {answer.status} to GET ?key=: {answer.shown()}; "
                "correct `url`, or take `look_up` out",
            )
        return _remote(answer, None)

    async def check(self) -> list[Finding]:
        found = [
            findings.of_way(self._table.url),
            await signing.address(self._http, "drafts"),
            signing.signature(self._table.secret, "drafts"),
        ]
        if self._table.look_up:
            found.append(await self._check_look_up())
        return found

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, document: Document, *, updating: bool) -> Remote:
        answer = await self._http.request(
            "POST",
            "",
            body=document.data,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": document.key,
                "Ctid-Revision": str(document.revision),
                **self._signed(document.data),
            },
        )
        if answer.is_success:
            return _remote(answer, document.key) or Remote(document.key)
        if answer.status == HTTPStatus.CONFLICT:
            return Remote(document.key)  # it has this revision already
        reason = _refusal(answer.status, updating=updating)
        remedy = "; correct `url`" if reason is Reason.MISCONFIGURED else ""
        raise DeliveryError(
            reason, f"{self._http.host} answered {answer.status}: {answer.shown()}{remedy}"
        )

    def _signed(self, content: bytes) -> dict[str, str]:
        return signing.signed(content, self._table.secret, self._clock())

    async def _check_look_up(self) -> Finding:
        try:
            found = await self.look_up("ctid:check-backend")
        except DeliveryError as error:
            return findings.of_failure("looking up", error)
        if found is not None:
            return Finding(
                ok=False,
                what=f"a key that no draft has leads to the ticket {found.id}",
                remedy="let GET ?key= answer 404 for keys that are not there, or drop `look_up`",
            )
        return Finding(ok=True, what="looking up a key is answered")


def _refusal(status: int, *, updating: bool) -> Reason:
    """What a status below 500 means that is neither success nor about rights or patience.

    REJECTED: 400, 413, 422, and 410 for a draft that has no ticket yet; GONE: 410 for an update;
    MISCONFIGURED: 404, 405, 415 and whatever else comes of a wrong address.
    """
    if status == HTTPStatus.GONE:
        return Reason.GONE if updating else Reason.REJECTED
    if status in signing.REFUSING:
        return Reason.REJECTED
    if status < HTTPStatus.OK:
        return Reason.BAD_ANSWER
    return Reason.MISCONFIGURED


def _remote(answer: Answer, key: str | None) -> Remote | None:
    """The ticket that an answer names; without JSON or an id in it, that of `key`.

    A page for people is no answer: it is what a proxy or a log-in shows. Raises DeliveryError.
    """
    kind = signing.media_type(answer)
    known = Remote(key) if key is not None else None
    if not answer.body.strip() or not (kind == "application/json" or kind.endswith("+json")):
        return known
    told = answer.json()
    if not isinstance(told, dict):
        return known
    ticket = told.get("ticket_id")
    named = str(ticket) if isinstance(ticket, str | int) and not isinstance(ticket, bool) else ""
    if not 0 < len(named) <= _LONGEST_ID:
        return known
    return Remote(named, _link(told.get("url")))


def _link(url: Any) -> str | None:
    """A link that may be shown to people, else None."""
    good = isinstance(url, str) and url.startswith(("http://", "https://"))
    return url if good and len(url) <= _LONGEST_LINK and url.isprintable() else None
