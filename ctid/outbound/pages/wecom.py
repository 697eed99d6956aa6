"""A robot of a WeCom group: https://developer.work.weixin.qq.com/document/path/91770.

Its codes: https://developer.work.weixin.qq.com/document/path/90313.
"""

from typing import Any, Final

from ctid.config.channels import WeComChannel
from ctid.outbound.http import Http
from ctid.outbound.pages import robots
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.robots import Refusal
from ctid.outbound.port import Finding, Reason

LONGEST: Final = 2048
"""Bytes of text."""
CODES: Final[dict[int, Refusal]] = {
    -1: Refusal(Reason.BUSY, robots.SLOWER),
    45009: Refusal(Reason.BUSY, robots.SLOWER),
    45033: Refusal(Reason.BUSY, "lower `concurrency`"),
    40008: Refusal(Reason.REJECTED, robots.CONTENT),
    40058: Refusal(Reason.REJECTED, robots.CONTENT),
    44004: Refusal(Reason.REJECTED, robots.CONTENT),
    45002: Refusal(Reason.REJECTED, robots.CONTENT),
    60020: Refusal(Reason.DENIED, robots.NETWORK),
    93004: Refusal(Reason.MISCONFIGURED, robots.ROBOT),
    93008: Refusal(Reason.MISCONFIGURED, robots.ROBOT),
}
_INVALID: Final = 93000


class WeCom:
    """Sends text: in WeCom's Markdown nobody can be mentioned by number."""

    def __init__(self, table: WeComChannel) -> None:
        self._key = "" if table.key is None else table.key.reveal()
        self._table = table
        self._http = Http.of(table, secrets=(self._key,))

    async def send(self, message: Message) -> None:
        answer = await robots.post(self._http, _document(message), {"key": self._key})
        robots.judge(answer, self._http.host, CODES, (_INVALID, _invalid))

    async def check(self) -> list[Finding]:
        return await robots.check(self._http, self._table, "key", self._key)

    async def close(self) -> None:
        await self._http.close()


def _document(message: Message) -> dict[str, Any]:
    number = robots.mobile(message.address)
    tail = ""
    for what, url in robots.usable(message.links):
        link = f"\n{what}: {url}"
        if len((tail + link).encode()) < LONGEST // 2:
            tail += link
    text = f"{message.title}\n{message.text}".replace("<@", "＜@")
    content = robots.cut_bytes(text, LONGEST - len(tail.encode())) + tail
    mentioned = {"mentioned_mobile_list": [number]} if number else {}
    return {"msgtype": "text", "text": {"content": content, **mentioned}}


def _invalid(why: str) -> Refusal:
    """The key, or the message."""
    if "webhook url" in why:
        return Refusal(Reason.DENIED, robots.TOKEN)
    return Refusal(Reason.REJECTED, robots.CONTENT)
