"""Messages for tests: one page about a line that nobody answers."""

from dataclasses import replace
from typing import Any, Final

from ctid.domain.alerts import (
    Advice,
    Alert,
    Firing,
    Kind,
    Page,
    PageEvent,
    Recipient,
    Route,
    Unanswered,
)
from ctid.outbound.pages.port import Message

NOW: Final = 1_795_741_200.5  # 2026-11-27 09:00:00 in Shanghai

_ALERT: Final = Alert(
    number=7,
    kind=Kind.UNANSWERED,
    line="network",
    about=None,
    since=NOW - 900,
    limit_at=NOW,
    state=Firing(NOW, 0, NOW + 300),
    subject=Unanswered(NOW - 900, 900.0, advice=(Advice.NO_PHONE_REGISTERED,)),
)
PAGE: Final = Page(
    seq=0,
    alert=_ALERT,
    event=PageEvent.FIRING,
    recipient=Recipient("Zhang San", "first_line", (Route("dingtalk", "13800001111"),)),
    due_at=NOW,
    decided_at=NOW,
)
_MESSAGE: Final = Message(
    key="7-0",
    pages=(PAGE,),
    title="网络专业热线: nobody answered for 15 minutes",
    text="Since 08:45 nobody answered.\n2 callers wait: 138****8000, 021****1234",
    links=(("Acknowledge 确认", "https://ctid.example.org/a/7?key=x(1)"),),
    data=b'{"key":"7-0"}',
    address=None,
)


def message(**changes: Any) -> Message:
    return replace(_MESSAGE, **changes)


def page(**changes: Any) -> Page:
    return replace(PAGE, **changes)
