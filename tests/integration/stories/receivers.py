"""Where pages of stories arrive: the robots of three vendors, and webhooks that see signatures.

Each listens on a port of its own, can be away, and notes what it took with the story's time.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from tests.integration.pages.robots import (
    Asked,
    DingTalkRobot,
    FeishuRobot,
    Robot,
    WeComRobot,
)

TOKEN: Final = "0123456789abcdef"
SECRET: Final = "SEC0123456789abcdef"


@dataclass(frozen=True)
class Arrived:
    """A message that a receiver took; `to` is whom it mentions, as the channel says it."""

    at: float
    channel: str
    to: str | None
    title: str
    text: str
    data: dict[str, Any]


class Receiver:
    """`take` makes what arrived of a request, or an answer that refuses it."""

    path = "/"
    is_away = False

    def __init__(
        self, name: str, clock: Callable[[], float], note: Callable[[Arrived], None]
    ) -> None:
        self.name = name
        self.refuses: dict[str, Any] | None = None
        """What it answers instead of taking a message, with HTTP 200."""
        self._clock = clock
        self._note = note
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application()
        app.router.add_post(self.path, self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Be away: nobody listens."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.path.partition('/{')[0]}"

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.refuses is not None:
            return web.json_response(self.refuses)
        answer, arrived = self.take(request, body)
        if arrived is not None:
            self._note(arrived)
        return answer

    def take(self, request: web.Request, body: bytes) -> tuple[web.Response, Arrived | None]:
        raise NotImplementedError


class OfRobot(Receiver):
    """A robot, as tests/integration/pages/robots.py knows it."""

    robot: type[Robot]
    secret: str | None = SECRET

    def __init__(
        self, name: str, clock: Callable[[], float], note: Callable[[Arrived], None]
    ) -> None:
        super().__init__(name, clock, note)
        # ctid signs with the time of the machine
        self._robot = self.robot(TOKEN, self.secret, time.time())

    @property
    def path(self) -> str:  # type: ignore[override]
        return self.robot.path

    def take(self, request: web.Request, body: bytes) -> tuple[web.Response, Arrived | None]:
        document = json.loads(body)
        found = parse_qs(urlsplit(request.raw_path).query)
        query = {key: values[0] for key, values in found.items()}
        told = self._robot.judge(Asked(request, query, document))
        if told.get("errcode", told.get("code")) != 0:
            return web.json_response(told), None
        to, title, text = self.read(document)
        return web.json_response(told), Arrived(self._clock(), self.name, to, title, text, document)

    def read(self, document: dict[str, Any]) -> tuple[str | None, str, str]:
        raise NotImplementedError


class DingTalk(OfRobot):
    robot = DingTalkRobot

    def read(self, document: dict[str, Any]) -> tuple[str | None, str, str]:
        mobiles = document["at"]["atMobiles"]
        text = document["markdown"]["text"]
        assert all(f"@{mobile}" in text for mobile in mobiles), "nobody is mentioned without it"
        # brackets as Markdown must not see them
        text = text.translate({ord("（"): "(", ord("）"): ")"})
        return (mobiles or [None])[0], document["markdown"]["title"], text


class WeCom(OfRobot):
    robot = WeComRobot
    secret = None

    def read(self, document: dict[str, Any]) -> tuple[str | None, str, str]:
        told = document["text"]
        title, _, text = told["content"].partition("\n")
        return told.get("mentioned_mobile_list", [None])[0], title, text


class Feishu(OfRobot):
    robot = FeishuRobot

    def read(self, document: dict[str, Any]) -> tuple[str | None, str, str]:
        card = document["card"]
        first, *others = card["elements"]
        mention = next((one["text"]["content"] for one in others if "text" in one), "")
        to = mention.partition("=")[2].partition(">")[0] or None
        return to, card["header"]["title"]["content"], first["text"]["content"]


class Webhook(Receiver):
    """Takes what is signed by SECRET; what comes twice under one key it notes once, as it should.

    `keys` holds all that ever came.
    """

    path = "/pages"

    def __init__(
        self, name: str, clock: Callable[[], float], note: Callable[[Arrived], None]
    ) -> None:
        super().__init__(name, clock, note)
        self.keys: list[str] = []

    def take(self, request: web.Request, body: bytes) -> tuple[web.Response, Arrived | None]:
        signed = request.headers["Ctid-Timestamp"].encode() + b"." + body
        signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        if request.headers.get("Ctid-Signature") != f"sha256={signature}":
            return web.json_response({"error": "the signature is wrong"}, status=403), None
        document = json.loads(body)
        key = request.headers["Idempotency-Key"]
        assert key == document["key"]
        is_known = key in self.keys
        self.keys.append(key)
        if is_known:
            return web.json_response({}, status=409), None
        to = document["pages"][0]["recipient"]
        arrived = Arrived(
            self._clock(), self.name, to, document["title"], document["text"], document
        )
        return web.json_response({}), arrived
