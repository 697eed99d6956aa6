"""Robots of three vendors as their documentation describes them: all answer HTTP 200.

Their signatures are computed as in the vendors' own examples, not by what ctid uses.
"""

import base64
import hashlib
import hmac
import json
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer

HOUR = 3600


class Asked(NamedTuple):
    request: web.Request
    query: dict[str, str]
    document: dict[str, Any]


class Robot:
    """Keeps the messages it took. `says`: what it answers instead, for codes of other causes."""

    path = "/"

    def __init__(self, token: str, secret: str | None, now: float) -> None:
        self.token = token
        self.secret = secret
        self.now = now
        self.taken: list[dict[str, Any]] = []
        self.asked: list[web.Request] = []
        self.says: dict[str, Any] | None = None
        app = web.Application()
        app.router.add_route("*", self.path, self._serve)
        self.server = TestServer(app)

    def url(self) -> str:
        return str(self.server.make_url(self.path.partition("{")[0].rstrip("/")))

    async def _serve(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if request.method != "POST":
            return web.json_response({"errcode": 43002, "errmsg": "require POST http method"})
        document = await request.json()
        query = {
            key: values[0] for key, values in parse_qs(urlsplit(request.raw_path).query).items()
        }
        told = self.says or self.judge(Asked(request, query, document))
        if told.get("errcode", told.get("code")) == 0:
            self.taken.append(document)
        return web.json_response(told)

    def judge(self, asked: Asked) -> dict[str, Any]:
        raise NotImplementedError


class DingTalkRobot(Robot):
    """https://open.dingtalk.com/document/robots/customize-robot-security-settings."""

    path = "/robot/send"

    def judge(self, asked: Asked) -> dict[str, Any]:
        if asked.query.get("access_token") != self.token:
            return {"errcode": 300005, "errmsg": "token is not exist"}
        if self.secret is not None:
            timestamp = asked.query.get("timestamp", "0")
            if abs(int(timestamp) - self.now * 1000) > HOUR * 1000:
                return {"errcode": 310000, "errmsg": "invalid timestamp"}
            string_to_sign = f"{timestamp}\n{self.secret}"
            code = hmac.new(
                self.secret.encode(), string_to_sign.encode(), digestmod=hashlib.sha256
            ).digest()
            if asked.query.get("sign") != base64.b64encode(code).decode():
                return {"errcode": 310000, "errmsg": "sign not match"}
        if len(str(asked.document).encode()) > 20_000:
            return {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
        return {"errcode": 0, "errmsg": "ok"}


class WeComRobot(Robot):
    """https://developer.work.weixin.qq.com/document/path/91770."""

    path = "/cgi-bin/webhook/send"

    def judge(self, asked: Asked) -> dict[str, Any]:
        if asked.query.get("key") != self.token:
            return {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1592021214_50_55]"}
        if len(asked.document["text"]["content"].encode()) > 2048:
            return {"errcode": 93000, "errmsg": "Invalid input : content exceed max length."}
        return {"errcode": 0, "errmsg": "ok"}


class FeishuRobot(Robot):
    """https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot."""

    path = "/open-apis/bot/v2/hook/{token}"

    def judge(self, asked: Asked) -> dict[str, Any]:
        if asked.request.match_info["token"] != self.token:
            why = "param invalid: incoming webhook access token invalid"
            return {"code": 19001, "data": {}, "msg": why}
        if self.secret is not None:
            timestamp = asked.document.get("timestamp", "0")
            string_to_sign = f"{timestamp}\n{self.secret}"
            code = hmac.new(string_to_sign.encode("utf-8"), digestmod=hashlib.sha256).digest()
            sign = base64.b64encode(code).decode("utf-8")
            late = abs(int(timestamp) - self.now) > HOUR
            if late or asked.document.get("sign") != sign:
                why = "sign match fail or timestamp is not within one hour from current time"
                return {"code": 19021, "data": {}, "msg": why}
        if len(json.dumps(asked.document, ensure_ascii=False).encode()) > 20 * 1024:
            return {"code": 9499, "msg": "Bad Request", "data": {}}
        return {
            "StatusCode": 0,
            "StatusMessage": "success",
            "code": 0,
            "data": {},
            "msg": "success",
        }
