"""Links that acknowledge an alert: who has one needs no token, for a day.

The address says which page it stood in and until when it holds, and a signature that only ctid can
make. It names nobody and nothing, and is short, since people see it on a phone.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final, NamedTuple

from ctid.domain.alerts import Page, PageEvent

LINK_SECONDS: Final = 86_400.0
"""How long a link holds, from when its page was decided."""
SECRET_BYTES: Final = 32

_SIGNED: Final = struct.Struct(">IIQ")
_SIGNATURE_BYTES: Final = 16
_LENGTH: Final = 43
"""Characters: without the padding, which says nothing."""
_PURPOSE: Final = b"ctid acknowledge 1\0"
_ACKNOWLEDGED_FROM: Final = (PageEvent.FIRING, PageEvent.REPEAT)
"""What only warns cannot be acknowledged, and what somebody has taken need not be."""


class Link(NamedTuple):
    """What a signed link says: page `seq` of alert number `alert`, good until then (Unix)."""

    alert: int
    seq: int
    until: int


def sign(secret: bytes, link: Link) -> str:
    """The last part of the link's address."""
    signed = _SIGNED.pack(*link)
    whole = signed + _signature(secret, signed)
    return urlsafe_b64encode(whole).decode().rstrip("=")


def verify(secret: bytes, token: str) -> Link | None:
    """What was signed, also if it is over; None: ctid has not signed this."""
    if len(token) != _LENGTH or not token.isascii():
        return None
    try:
        whole = urlsafe_b64decode(f"{token}=")
    except (Error, ValueError):
        return None
    signed, signature = whole[: _SIGNED.size], whole[_SIGNED.size :]
    if not hmac.compare_digest(signature, _signature(secret, signed)):
        return None
    link = Link(*_SIGNED.unpack(signed))
    # several spellings decode to the same bytes: only our own counts
    return link if hmac.compare_digest(sign(secret, link), token) else None


def until(page: Page) -> int:
    """When the link in this page ends; also what tells it from another page of this number."""
    return int(page.decided_at + LINK_SECONDS)


class AckLinks:
    """Makes the links in pages. `public_url` is where phones reach the API; None: nowhere."""

    def __init__(self, secret: bytes, public_url: str | None) -> None:
        self.secret = secret
        self._public_url = None if public_url is None else public_url.rstrip("/")

    def link(self, page: Page) -> str | None:
        """The address at which the page's recipient acknowledges; None: there is none."""
        if self._public_url is None or page.event not in _ACKNOWLEDGED_FROM:
            return None
        if page.alert.number < 1:
            return None  # it is not on disk: nobody can acknowledge it
        token = sign(self.secret, Link(page.alert.number, page.seq, until(page)))
        return f"{self._public_url}/a/{token}"


def _signature(secret: bytes, signed: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + signed, "sha256")[:_SIGNATURE_BYTES]
