"""A robot of a Feishu or Lark group: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot.

The address of a person there is their open_id or user_id: such robots can mention by nothing else.
"""

import base64
import hmac
import re
import time
from collections.abc import Callable
from typing import Any, Final

from ctid.config.channels import FeishuChannel
from ctid.domain.alerts import PageEvent
from ctid.outbound.http import Http
from ctid.outbound.pages import robots
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.robots import Refusal
from ctid.outbound.plain import plain
from ctid.outbound.port import DeliveryError, Finding, Reason

LONGEST: Final = 9_000
"""Bytes of text; a whole request may have 20 KB."""
CODES: Final[dict[int, Refusal]] = {
    11232: Refusal(Reason.BUSY, robots.SLOWER),
    11233: Refusal(Reason.BUSY, robots.SLOWER),
    99991400: Refusal(Reason.BUSY, robots.SLOWER),
    9499: Refusal(Reason.REJECTED, robots.CONTENT),
    19002: Refusal(Reason.REJECTED, robots.CONTENT),
    19021: Refusal(Reason.DENIED, robots.SIGN),
    19022: Refusal(Reason.DENIED, robots.NETWORK),
    19024: Refusal(Reason.MISCONFIGURED, robots.KEYWORD),
}
_INVALID: Final = 19001
_PERSON: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COLOURS: Final = (
    (PageEvent.FIRING, "red"),
    (PageEvent.REPEAT, "red"),
    (PageEvent.WARNING, "orange"),
    (PageEvent.ACKNOWLEDGED, "blue"),
    (PageEvent.RESOLVED, "green"),
)


class Feishu:
    """Sends cards. `clock` tells Unix seconds: a signature holds the time."""

    def __init__(self, table: FeishuChannel, clock: Callable[[], float] = time.time) -> None:
        self._token = "" if table.token is None else table.token.reveal()
        self._secret = None if table.secret is None else table.secret.reveal()
        self._table = table
        self._clock = clock
        self._http = Http.of(
            table,
            url=f"{table.url.rstrip('/')}/{self._token}",
            secrets=(self._token, self._secret or ""),
        )

    async def send(self, message: Message) -> None:
        body = _document(message, self._table.keyword)
        if self._secret is not None:
            timestamp = str(int(self._clock()))
            body = {"timestamp": timestamp, "sign": signature(timestamp, self._secret), **body}
        answer = await robots.post(self._http, body)
        robots.judge(answer, self._http.host, CODES, (_INVALID, _invalid), "code", "msg")

    async def check(self) -> list[Finding]:
        return await robots.check(self._http, self._table, "token", self._token)

    async def close(self) -> None:
        await self._http.close()


def signature(timestamp: str, secret: str) -> str:
    """What proves that the robot's owner sends; `timestamp` is in seconds.

    Not DingTalk's: here timestamp and secret are the key, and nothing is the text.
    """
    signed = hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")
    return base64.b64encode(signed).decode()


def _document(message: Message, keyword: str | None) -> dict[str, Any]:
    """A card whose texts are `plain_text`, in which nothing is markup; only mentions are not."""
    text = robots.cut_bytes(message.text, LONGEST)
    if keyword:
        text += f"\n{keyword}"
    elements: list[dict[str, Any]] = [{"tag": "div", "text": _plain(text)}]
    if message.address is not None:
        person = _person(message.address)
        elements.append(
            {"tag": "div", "text": {"tag": "lark_md", "content": f"<at id={person}></at>"}}
        )
    if links := robots.usable(message.links):
        buttons = [
            {"tag": "button", "text": _plain(what), "url": url, "type": "default"}
            for what, url in links
        ]
        elements.append({"tag": "action", "actions": buttons})
    events = {page.event for page in message.pages}
    colour = next((name for event, name in _COLOURS if event in events), "blue")
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {"template": colour, "title": _plain(message.title)},
            "elements": elements,
        },
    }


def _plain(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text}


def _person(address: str) -> str:
    if not _PERSON.fullmatch(address):
        raise DeliveryError(
            Reason.REJECTED,
            f"`{plain(address)}` is no open_id or user_id, and a robot of Feishu can mention by "
            "nothing else: correct the roster, or leave the address out",
        )
    return address


def _invalid(why: str) -> Refusal:
    """The token, or the message."""
    if "token" in why:
        return Refusal(Reason.DENIED, robots.TOKEN)
    return Refusal(Reason.REJECTED, robots.CONTENT)
