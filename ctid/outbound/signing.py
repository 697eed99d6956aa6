"""Signed posts: drafts and pages go to webhooks in the same way.

docs/tickets-webhook.md is the contract for drafts, docs/channels.md the one for pages.
"""

import hmac
from http import HTTPStatus
from typing import Final

from ctid.config.secret import Secret
from ctid.outbound import findings
from ctid.outbound.http import Answer, Http
from ctid.outbound.port import DeliveryError, Finding, Reason

REFUSING: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""The receiver has read this document and does not want it. All other 4xx say that the address is
not one that takes documents, which an operator can mend."""

_NO_OPTIONS: Final = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


def bearing(token: Secret | None) -> dict[str, str]:
    """The headers of every request: what is understood, and the token if there is one."""
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    return headers


def signed(content: bytes, secret: Secret | None, now: float) -> dict[str, str]:
    """The headers that prove who says `content`, and when (Unix seconds)."""
    timestamp = str(int(now))
    headers = {"Ctid-Timestamp": timestamp}
    if secret is not None:
        signature = hmac.digest(
            secret.reveal().encode(), f"{timestamp}.".encode() + content, "sha256"
        )
        headers["Ctid-Signature"] = f"sha256={signature.hex()}"
    return headers


def media_type(answer: Answer) -> str:
    """What the body is. Raises DeliveryError for a page for people: a proxy's, or a log-in."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        raise DeliveryError(
            Reason.BAD_ANSWER, f"answered {answer.status} with a page for people: {answer.shown()}"
        )
    return kind


def refusal(host: str, answer: Answer) -> DeliveryError:
    """What a status below 500 means that is neither success nor about rights or patience."""
    why = f"{host} answered {answer.status}: {answer.shown()}"
    if answer.status in REFUSING:
        return DeliveryError(Reason.REJECTED, f"{why}; it does not want this document")
    return DeliveryError(Reason.MISCONFIGURED, f"{why}; correct `url`")


async def address(http: Http, what: str) -> Finding:
    """Whether the address takes POST, of `what`; asked with OPTIONS, which changes nothing."""
    unknown = Finding(
        ok=True, what=f"{http.host} answers; whether it takes {what}, only the first one shows"
    )
    try:
        answer = await http.request("OPTIONS", "")
    except DeliveryError as error:
        if error.reason in (Reason.SERVER_ERROR, Reason.BAD_ANSWER):
            return unknown
        return findings.of_failure("the address", error)
    allowed = answer.headers.get("Allow", "").upper()
    if "POST" in {word.strip() for word in allowed.split(",")}:
        return Finding(ok=True, what=f"{http.host} takes POST at this address")
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return Finding(
            ok=False,
            what=f"{http.host} has nothing at this address ({answer.status})",
            remedy="correct `url`",
        )
    if allowed and answer.status not in _NO_OPTIONS:
        return Finding(
            ok=False,
            what=f"{http.host} takes no POST at this address, only {allowed}",
            remedy="correct `url`",
        )
    return unknown


def signature(secret: Secret | None, what: str) -> Finding:
    """Whether `what` are signed."""
    if secret is None:
        return Finding(
            ok=True,
            what=f"{what} are not signed",
            remedy="set `secret_file` if the receiver has to know that they are ctid's",
        )
    one = what.removesuffix("s")
    return Finding(ok=True, what=f"{what} are signed; only a {one} shows if rightly")
