"""A robot of a DingTalk group.

https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages: address, messages,
codes; https://open.dingtalk.com/document/robots/customize-robot-security-settings: the signature.
"""

import base64
import hmac
import re
import time
from collections.abc import Callable
from typing import Any, Final

from ctid.config.channels import DingTalkChannel
from ctid.outbound.http import Answer, Http
from ctid.outbound.pages import robots
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.robots import Refusal
from ctid.outbound.port import DeliveryError, Finding, Reason

LONGEST: Final = 15_000
"""Bytes of the text alone; above 20,000 in all the robot refuses (460101)."""
CODES: Final[dict[int, Refusal]] = {
    -1: Refusal(Reason.BUSY, robots.SLOWER),
    130101: Refusal(Reason.BUSY, robots.SLOWER),
    410100: Refusal(Reason.BUSY, robots.SLOWER),
    660026: Refusal(Reason.BUSY, robots.SLOWER),
    300001: Refusal(Reason.DENIED, robots.TOKEN),
    300005: Refusal(Reason.DENIED, robots.TOKEN),
    400101: Refusal(Reason.DENIED, robots.TOKEN),
    400013: Refusal(Reason.MISCONFIGURED, robots.ROBOT),
    400102: Refusal(Reason.MISCONFIGURED, robots.ROBOT),
    400106: Refusal(Reason.MISCONFIGURED, robots.ROBOT),
    400105: Refusal(Reason.REJECTED, robots.CONTENT),
    430101: Refusal(Reason.REJECTED, robots.CONTENT),
    430102: Refusal(Reason.REJECTED, robots.CONTENT),
    430103: Refusal(Reason.REJECTED, robots.CONTENT),
    430104: Refusal(Reason.REJECTED, robots.CONTENT),
    460101: Refusal(Reason.REJECTED, robots.CONTENT),
}
_SECURITY: Final = 310000
# How its clients treat a backslash is not documented, so what could be markup becomes a character
# that looks the same and is none.
_HARMLESS: Final = str.maketrans("\\`*_~[]()<>|#!&@", "＼｀＊＿～［］（）＜＞｜＃！＆＠")
_ADDRESS: Final = re.compile(r"(://|\bwww\.|\bmailto:)", re.IGNORECASE)
# what makes a list of a row, a heading of the row above, or a ruler
_BEGINNING: Final = re.compile(r"^(?:[-=+](?=[-=+ \t]*$|[ \t])|([0-9]{1,9})\.(?=[ \t]|$))")
_AS_ADDRESS: Final = str.maketrans(":.", "：．")


class DingTalk:
    """Sends Markdown. `clock` tells Unix seconds: a signature holds the time."""

    def __init__(self, table: DingTalkChannel, clock: Callable[[], float] = time.time) -> None:
        self._token = "" if table.token is None else table.token.reveal()
        self._secret = None if table.secret is None else table.secret.reveal()
        self._table = table
        self._clock = clock
        self._http = Http.of(table, secrets=(self._token, self._secret or ""))

    async def send(self, message: Message) -> None:
        body = _document(message, self._table.keyword)
        params = {"access_token": self._token}
        if self._secret is not None:
            timestamp = str(int(self._clock() * 1000))
            params |= {"timestamp": timestamp, "sign": signature(timestamp, self._secret)}
        _judge(await robots.post(self._http, body, params), self._http.host)

    async def check(self) -> list[Finding]:
        return await robots.check(self._http, self._table, "token", self._token)

    async def close(self) -> None:
        await self._http.close()


def signature(timestamp: str, secret: str) -> str:
    """What proves that the robot's owner sends; `timestamp` is in milliseconds."""
    signed = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")
    return base64.b64encode(signed).decode()


def harmless(text: str) -> str:
    """The text as Markdown that shows it as it is: no markup, no link, no mention."""
    told = _ADDRESS.sub(lambda found: found[0].translate(_AS_ADDRESS), text)
    rows = (row.translate(_HARMLESS).strip() for row in told.splitlines())
    return "  \n".join(_BEGINNING.sub(_at_beginning, row) for row in rows)


def _at_beginning(found: re.Match[str]) -> str:
    return "\u2010" if found[1] is None else f"{found[1]}．"


def _document(message: Message, keyword: str | None) -> dict[str, Any]:
    number = robots.mobile(message.address)
    head = f"### {harmless(message.title)}\n\n"
    tail = "".join(
        f"\n\n[{harmless(what)}]({_in_brackets(url)})" for what, url in robots.usable(message.links)
    )
    if keyword:
        tail += f"\n\n{keyword}"
    if number:
        tail += f"\n\n@{number}"  # without it nobody is mentioned
    text = robots.cut_bytes(harmless(message.text), LONGEST)
    return {
        "msgtype": "markdown",
        "markdown": {"title": message.title, "text": head + text + tail},
        "at": {"atMobiles": [number] if number else [], "isAtAll": False},
    }


def _in_brackets(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29")


def _judge(answer: Answer, host: str) -> None:
    """Raises DeliveryError unless the body says that it was delivered."""
    if (wait := _turned_away(answer)) is not None:
        raise DeliveryError(
            Reason.BUSY, f"{host} turned it away for now; {robots.SLOWER}", retry_after_seconds=wait
        )
    robots.judge(answer, host, CODES, (_SECURITY, _security))


def _security(why: str) -> Refusal:
    """310000 stands for all of the robot's security settings; only its words tell which."""
    if "keyword" in why:
        return Refusal(Reason.MISCONFIGURED, robots.KEYWORD)
    if "whitelist" in why:
        return Refusal(Reason.DENIED, robots.NETWORK)
    return Refusal(Reason.DENIED, robots.SIGN)


def _turned_away(answer: Answer) -> float | None:
    """Seconds to wait, as the gateway in front of the robots says it: `punish` and `wait`."""
    try:
        told = answer.json()
    except DeliveryError:
        return None
    if not isinstance(told, dict) or "errcode" in told or told.get("punish") != "deny":
        return None
    wait = told.get("wait")
    return float(wait) if isinstance(wait, int) and wait > 0 else robots.PATIENCE
