"""What a channel has to be able to do.

A channel is one file in this package and one line in `channels`. It does one thing when it is
asked, once; it raises DeliveryError with a reason of `outbound.port`. REJECTED and MISCONFIGURED,
DENIED, GONE send the page to the recipient's next channel at once, all others after a while. Where
only one recipient is concerned, as by an address that is none, it is REJECTED.
"""

from dataclasses import dataclass
from typing import Protocol

from ctid.domain.alerts import Page
from ctid.outbound.port import Finding


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: one page, or several that were folded into a digest, ready to be read.

    `key` is the same whenever the same message is sent again. `title` is one line without control
    characters, `text` plain text with LF; both are text, whatever they look like. `links` are (what
    it does, URL), such as acknowledging. `data` is the JSON document for machines. `address` is
    whom the channel shall reach, as the roster says it; None: the channel's only place.
    """

    key: str
    pages: tuple[Page, ...]
    title: str
    text: str
    links: tuple[tuple[str, str], ...]
    data: bytes
    address: str | None


class Sender(Protocol):
    """A way to people or machines. `send` raises DeliveryError."""

    async def send(self, message: Message) -> None:
        """Deliver; returns once the other side said that it has it."""
        ...


class Channel(Sender, Protocol):
    """One that can be examined, and is closed in the end."""

    async def check(self) -> list[Finding]:
        """Examine address and credentials as far as it goes without disturbing anybody."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
