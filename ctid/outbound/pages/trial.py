"""A message that somebody sends by hand, to see whether a channel delivers."""

from typing import Final

import orjson

from ctid.domain.alerts import Alert, Firing, Kind, Page, PageEvent, Recipient, Route, Test
from ctid.outbound.pages.port import Message
from ctid.outbound.plain import plain

MARK: Final = "[TEST 测试]"
_BY: Final = "ctid check-channel"


def trial(key: str, words: str, *, site: str, at: float, address: str | None) -> Message:
    """The message, marked as a test in its title and its data; `at` is now, Unix seconds."""
    alert = Alert(
        number=0,
        kind=Kind.TEST,
        line=None,
        about=None,
        since=at,
        limit_at=at,
        state=Firing(at, 0, at),
        subject=Test(by=_BY),
    )
    recipient = Recipient(_BY, None, (Route("", address),))
    page = Page(0, alert, PageEvent.FIRING, recipient, at, at)
    title = f"{MARK} ctid {site}"
    text = "\n".join(map(plain, words.splitlines()))
    data = {"key": key, "kind": "test", "site": site, "at": at, "title": title, "text": text}
    return Message(key, (page,), title, text, (), orjson.dumps(data), address)
