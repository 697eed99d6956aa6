"""A message that somebody sends by hand, to see whether a channel delivers."""

from typing import Final

from ctid.domain.alerts import Alert, Firing, Kind, Page, PageEvent, Recipient, Route, Test
from ctid.outbound.pages.document import document
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.titles import test_mark
from ctid.outbound.pages.tongue import whole
from ctid.outbound.plain import plain
from ctid.outbound.wording import Language

_BY: Final = "ctid check-channel"


def trial(
    key: str, words: str, *, site: str, language: Language, at: float, address: str | None
) -> Message:
    """The message, marked as a test in its title and its data; `at` is now, Unix seconds."""
    alert = Alert(
        number=0,  # no alert has it
        kind=Kind.TEST,
        line=None,
        about=None,
        since=at,
        limit_at=at,
        state=Firing(at, 0, at),
        subject=Test(by=_BY),
    )
    recipient = Recipient(_BY, None, (Route("", address),))
    pages = (Page(0, alert, PageEvent.FIRING, recipient, at, at),)
    title = f"{test_mark(language)}{whole(site)}"
    text = "\n".join(map(plain, words.splitlines()))
    data = document(key, site, language, title, text, pages, {}, {})
    return Message(key, pages, title, text, (), data, address)
