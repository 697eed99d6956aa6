"""What a ticket system has to be able to do, and how it says that it cannot.

A backend is one file in `tickets/` and one line in `tickets/__init__`. It does one thing when it is
asked, once: when to try again, and in which order, is the worker's matter.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ctid.domain.drafts import Draft


@dataclass(frozen=True, slots=True)
class Remote:
    """A ticket in the other system: its id there, and a link for people if there is one."""

    id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One revision of a draft, ready to be sent.

    `revision` counts from 1 for each key. `subject` is one line without control characters; `body`
    is plain text with LF. `data` is the draft as JSON, by docs/ticket-draft.schema.json.
    """

    revision: int
    draft: Draft
    subject: str
    body: str
    data: bytes

    @property
    def key(self) -> str:
        """What the ticket is known by, on both sides."""
        return self.draft.key


class Reason(StrEnum):
    """Why a delivery failed; also the value of a metric's label."""

    UNREACHABLE = "unreachable"
    """No connection, TLS or name resolution failed: nothing was sent."""
    TIMEOUT = "timeout"
    """Sent, and no answer in time: it may have been carried out."""
    CUT_OFF = "cut_off"
    """The connection broke after sending: it may have been carried out."""
    BUSY = "busy"
    """The other side asks for patience (429, 503 ...), and has done nothing."""
    SERVER_ERROR = "server_error"
    """It failed inside (5xx): it may have been carried out."""
    BAD_ANSWER = "bad_answer"
    """It answered something that is no answer (HTML, nothing): it may have been carried out."""
    DENIED = "denied"
    """Credentials or rights are wrong: an operator has to mend that, and then it goes on."""
    MISCONFIGURED = "misconfigured"
    """Queue, project, field or address do not exist there: the same."""
    REJECTED = "rejected"
    """It does not want this document and never will."""
    GONE = "gone"
    """The ticket that is to be updated is not there any more."""


UNCLEAR = frozenset({Reason.TIMEOUT, Reason.CUT_OFF, Reason.SERVER_ERROR, Reason.BAD_ANSWER})
"""After these nobody knows whether it was carried out: look first, then do it again."""

FINAL = frozenset({Reason.REJECTED, Reason.GONE})
"""Trying the same again cannot help; everything else is tried until it succeeds."""


class DeliveryError(Exception):
    """A delivery failed; the message is one line for the operator, without secrets.

    `retry_after_seconds` is what the other side asked for, None if it did not.
    """

    def __init__(
        self, reason: Reason, message: str, *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined: `what` in a few words; `remedy` where it is not well."""

    ok: bool
    what: str
    remedy: str | None = None


class Backend(Protocol):
    """A ticket system. All but `check` and `close` raise DeliveryError."""

    async def create(self, document: Document) -> Remote:
        """Make the ticket. It is asked for at most once unless `look_up` found nothing."""
        ...

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        """Bring the ticket to this revision.

        `unsure`: the same revision was tried before, and may be there already; it must not stand
        there twice. What people wrote into the ticket meanwhile stays.
        """
        ...

    async def look_up(self, key: str) -> Remote | None:
        """Find the ticket that `create` may have made; None: it is not there (yet)."""
        ...

    async def check(self) -> list[Finding]:
        """Examine address, credentials, place, field and rights, and change nothing there."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
