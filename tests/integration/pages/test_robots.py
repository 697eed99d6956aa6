"""DingTalk, WeCom and Feishu: what they are sent, and what their answers mean."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ctid.config.channels import DingTalkChannel, FeishuChannel, HttpChannel, WeComChannel
from ctid.config.secret import Secret
from ctid.domain.alerts import PageEvent
from ctid.outbound.pages.dingtalk import DingTalk
from ctid.outbound.pages.feishu import Feishu
from ctid.outbound.pages.port import Channel, Message
from ctid.outbound.pages.robots import CUT
from ctid.outbound.pages.wecom import WeCom
from ctid.outbound.port import DeliveryError, Reason
from tests.integration.pages.robots import DingTalkRobot, FeishuRobot, Robot, WeComRobot
from tests.integration.tickets.raw_server import RawServer, Say, answer, nothing, reset, saying
from tests.pages import NOW, message, page

TOKEN, SECRET = "t0ken-0f-the-robot", "SECs1gning"
JSON = "Content-Type: application/json"


def _table(model: type[HttpChannel], url: str, token: str, secret: str | None, **keys: Any) -> Any:
    secrets: dict[str, Secret | None] = {"key": Secret(token)}
    if model is not WeComChannel:
        secrets = {"token": Secret(token), "secret": None if secret is None else Secret(secret)}
    return model(url=url, **keys).model_copy(update=secrets)


def dingtalk(url: str, token: str, secret: str | None, now: float, **keys: Any) -> Channel:
    return DingTalk(_table(DingTalkChannel, url, token, secret, **keys), lambda: now)


def wecom(url: str, token: str, secret: str | None, now: float, **keys: Any) -> Channel:
    return WeCom(_table(WeComChannel, url, token, secret, **keys))


def feishu(url: str, token: str, secret: str | None, now: float, **keys: Any) -> Channel:
    return Feishu(_table(FeishuChannel, url, token, secret, **keys), lambda: now)


Make = Callable[..., Channel]
ROBOTS: dict[Make, type[Robot]] = {
    dingtalk: DingTalkRobot,
    wecom: WeComRobot,
    feishu: FeishuRobot,
}
ALL = pytest.mark.parametrize("make", ROBOTS, ids=lambda make: make.__name__)
SIGNING = pytest.mark.parametrize("make", [dingtalk, feishu], ids=lambda make: make.__name__)


@asynccontextmanager
async def robot(make: Make, secret: str | None = SECRET) -> AsyncIterator[Robot]:
    found = ROBOTS[make](TOKEN, secret, NOW)
    async with found.server:
        yield found


@asynccontextmanager
async def channel(
    make: Make,
    url: str,
    token: str = TOKEN,
    secret: str | None = SECRET,
    now: float = NOW,
    **keys: Any,
) -> AsyncIterator[Channel]:
    found = make(url, token, secret, now, **keys)
    try:
        yield found
    finally:
        await found.close()


async def taken(make: Make, sent: Message, **keys: Any) -> dict[str, Any]:
    async with robot(make) as other, channel(make, other.url(), **keys) as found:
        await found.send(sent)
    (document,) = other.taken
    return document


async def failure(make: Make, other: Robot, sent: Message | None = None, **keys: Any) -> Any:
    async with channel(make, other.url(), **keys) as found:
        with pytest.raises(DeliveryError) as caught:
            await found.send(sent or message())
    assert other.taken == []
    _no_secret(str(caught.value))
    return caught.value


def _no_secret(text: str) -> None:
    assert TOKEN not in text
    assert SECRET not in text
    assert "\n" not in text


# what is sent


async def test_dingtalk_shows_the_text_and_mentions_by_number() -> None:
    document = await taken(dingtalk, message(address="13800001111"))
    assert document["msgtype"] == "markdown"
    assert document["markdown"]["title"] == "网络专业热线: nobody answered for 15 minutes"
    assert document["markdown"]["text"] == (
        "### 网络专业热线: nobody answered for 15 minutes\n\n"
        "Since 08:45 nobody answered.  \n"
        "2 callers wait: 138＊＊＊＊8000, 021＊＊＊＊1234\n\n"
        "[Acknowledge 确认](https://ctid.example.org/a/7?key=x%281%29)\n\n"
        "@13800001111"
    )
    assert document["at"] == {"atMobiles": ["13800001111"], "isAtAll": False}


async def test_wecom_shows_the_text_and_mentions_by_number() -> None:
    assert await taken(wecom, message(address="138 0000 1111")) == {
        "msgtype": "text",
        "text": {
            "content": (
                "网络专业热线: nobody answered for 15 minutes\n"
                "Since 08:45 nobody answered.\n"
                "2 callers wait: 138****8000, 021****1234\n"
                "Acknowledge 确认: https://ctid.example.org/a/7?key=x(1)"
            ),
            "mentioned_mobile_list": ["13800001111"],
        },
    }


async def test_feishu_shows_the_text_and_mentions_by_id() -> None:
    document = await taken(feishu, message(address="ou_18eac85d"))
    card = document["card"]
    assert document["msg_type"] == "interactive"
    assert card["header"] == {
        "template": "red",
        "title": {
            "tag": "plain_text",
            "content": "网络专业热线: nobody answered for 15 minutes",
        },
    }
    text, mention, links = card["elements"]
    assert text == {"tag": "div", "text": {"tag": "plain_text", "content": message().text}}
    assert mention["text"] == {"tag": "lark_md", "content": "<at id=ou_18eac85d></at>"}
    (button,) = links["actions"]
    assert button["url"] == "https://ctid.example.org/a/7?key=x(1)"
    assert button["text"] == {"tag": "plain_text", "content": "Acknowledge 确认"}


@ALL
async def test_nobody_is_mentioned_without_an_address(make: Make) -> None:
    document = json.dumps(await taken(make, message(text="@all <at user_id=all></at> <@all>")))
    assert "mentioned" not in document
    assert "lark_md" not in document
    assert '"atMobiles": []' in document or make is not dingtalk
    assert "<@" not in document or make is feishu  # where it stands in plain_text


@ALL
@pytest.mark.parametrize("address", ["@all", "138<at>", "ou_1></at>", "", "１３８"])
async def test_an_address_of_another_kind_is_the_operators_to_mend(
    make: Make, address: str
) -> None:
    async with robot(make) as other:
        error = await failure(make, other, message(address=address))
    assert error.reason is Reason.REJECTED
    assert other.asked == []


@ALL
async def test_links_that_are_none_are_left_out(make: Make) -> None:
    bad = (("x", "javascript:alert(1)"), ("y", "https://a b"), ("z", "https://a\nb"))
    document = json.dumps(await taken(make, message(links=bad)))
    assert "javascript" not in document
    assert "https://a" not in document


@ALL
@pytest.mark.parametrize("text", ["无人接听\n" * 20_000, "*" * 200_000, "📞" * 50_000])
async def test_a_long_text_is_cut_and_says_so(make: Make, text: str) -> None:
    document = await taken(make, message(text=text, address=None))
    shown = json.dumps(document, ensure_ascii=False)
    assert json.dumps(CUT, ensure_ascii=False).strip('"') in shown
    assert "https://ctid.example.org/a/7" in shown
    assert "\ufffd" not in shown


async def test_wecom_uses_all_the_room_there_is() -> None:
    document = await taken(wecom, message(text="无" * 2000, links=()))
    assert 2045 <= len(document["text"]["content"].encode()) <= 2048


@pytest.mark.parametrize(
    ("events", "colour"),
    [
        ({PageEvent.WARNING}, "orange"),
        ({PageEvent.RESOLVED}, "green"),
        ({PageEvent.ACKNOWLEDGED}, "blue"),
        ({PageEvent.RESOLVED, PageEvent.REPEAT}, "red"),
    ],
)
async def test_feishu_is_as_red_as_the_worst_page(events: set[PageEvent], colour: str) -> None:
    pages = tuple(page(event=event) for event in events)
    document = await taken(feishu, message(pages=pages))
    assert document["card"]["header"]["template"] == colour


@SIGNING
async def test_a_keyword_is_in_every_message(make: Make) -> None:
    document = await taken(make, message(), keyword="值班!")
    assert "值班!" in json.dumps(document, ensure_ascii=False)


@ALL
async def test_without_a_secret_nothing_is_signed(make: Make) -> None:
    async with robot(make, None) as other, channel(make, other.url(), secret=None) as found:
        await found.send(message())
    (document,) = other.taken
    assert "sign" not in document
    assert "sign" not in other.asked[0].query


async def test_a_signature_survives_the_address() -> None:
    """Base64 has signs that an address has another meaning for."""
    async with robot(dingtalk) as other:
        for second in range(40):
            async with channel(dingtalk, other.url(), now=NOW + second) as found:
                await found.send(message())
    signs = "".join(request.query["sign"] for request in other.asked)
    assert "+" in signs
    assert "/" in signs


# what refusals mean


@ALL
async def test_another_token(make: Make) -> None:
    async with robot(make) as other:
        error = await failure(make, other, token="an0ther-token")
    assert error.reason is Reason.DENIED
    assert "copy the robot's address" in str(error)


@SIGNING
@pytest.mark.parametrize(
    "keys",
    [{"secret": "SECan0ther"}, {"now": NOW - 3700}, {"secret": None}],
    ids=["secret", "clock", "none"],
)
async def test_another_secret_or_another_time(make: Make, keys: dict[str, Any]) -> None:
    async with robot(make) as other:
        error = await failure(make, other, **keys)
    assert error.reason is Reason.DENIED
    assert "`secret_file`" in str(error)
    assert "clock" in str(error)


@pytest.mark.parametrize(
    ("make", "says", "reason", "remedy"),
    [
        (dingtalk, {"errcode": 130101, "errmsg": "send too fast"}, Reason.BUSY, "per_minute"),
        (dingtalk, {"errcode": 410100, "errmsg": "限流"}, Reason.BUSY, "per_minute"),
        (dingtalk, {"errcode": -1, "errmsg": "系统繁忙"}, Reason.BUSY, ""),
        (
            dingtalk,
            {"errcode": 310000, "errmsg": "keywords not in content, more: [https://x]"},
            Reason.MISCONFIGURED,
            "`keyword`",
        ),
        (
            dingtalk,
            {"errcode": 310000, "errmsg": "ip 192.0.2.1 not in whitelist"},
            Reason.DENIED,
            "public address",
        ),
        (dingtalk, {"errcode": 400102, "errmsg": "机器人已停用"}, Reason.MISCONFIGURED, "group"),
        (dingtalk, {"errcode": 430104, "errmsg": "不合适的内容"}, Reason.REJECTED, "channels"),
        (dingtalk, {"errcode": 4711, "errmsg": "new"}, Reason.MISCONFIGURED, "documentation"),
        (wecom, {"errcode": 45009, "errmsg": "api freq out of limit"}, Reason.BUSY, "per_minute"),
        (
            wecom,
            {"errcode": 93000, "errmsg": "Invalid input : content exceed max length."},
            Reason.REJECTED,
            "",
        ),
        (wecom, {"errcode": 93008, "errmsg": "not in group"}, Reason.MISCONFIGURED, "group"),
        (wecom, {"errcode": 4711, "errmsg": "new"}, Reason.MISCONFIGURED, "documentation"),
        (feishu, {"code": 11232, "msg": "frequency limited"}, Reason.BUSY, "per_minute"),
        (feishu, {"code": 19024, "msg": "Key Words Not Found"}, Reason.MISCONFIGURED, "`keyword`"),
        (feishu, {"code": 19022, "msg": "Ip Not Allowed"}, Reason.DENIED, "public address"),
        (feishu, {"code": 9499, "msg": "Bad Request", "data": {}}, Reason.REJECTED, ""),
        (feishu, {"code": 4711, "msg": "new"}, Reason.MISCONFIGURED, "documentation"),
    ],
)
async def test_a_code_in_the_body_decides(
    make: Make, says: dict[str, Any], reason: Reason, remedy: str
) -> None:
    async with robot(make) as other:
        other.says = says
        error = await failure(make, other)
    assert error.reason is reason
    assert str(next(iter(says.values()))) in str(error)
    assert remedy in str(error)
    assert error.retry_after_seconds == (60.0 if reason is Reason.BUSY else None)


async def test_dingtalks_gateway_turns_away_without_a_code() -> None:
    async with robot(dingtalk) as other:
        other.says = {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "9ff"}
        error = await failure(dingtalk, other)
    assert (error.reason, error.retry_after_seconds) == (Reason.BUSY, 5.0)


# what is no answer


@ALL
@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (saying(answer(body=b"<html><title>Log in</title>")), Reason.BAD_ANSWER),
        (saying(answer(body=b"")), Reason.BAD_ANSWER),
        (saying(answer("200 OK", b"[]", JSON)), Reason.BAD_ANSWER),
        (saying(answer("200 OK", b'{"errcode":"0","code":"0"}', JSON)), Reason.BAD_ANSWER),
        (saying(answer("200 OK", b'{"errcode":true,"code":true}', JSON)), Reason.BAD_ANSWER),
        (saying(answer("200 OK", b'{"errcode":null}', JSON)), Reason.BAD_ANSWER),
        (saying(answer("200 OK", b"[" * 200_000, JSON)), Reason.BAD_ANSWER),
        (saying(answer("200 OK", b" " * 1_100_000, JSON)), Reason.BAD_ANSWER),
        (saying(answer("404 Not Found", b"nothing here")), Reason.MISCONFIGURED),
        (saying(answer("400 Bad Request", b'{"errcode":0,"code":0}')), Reason.MISCONFIGURED),
        (saying(answer("302 Found", b"", "Location: https://x/?t=t0ken-0f-the-robot")), None),
        (saying(answer("502 Bad Gateway", b"t0ken-0f-the-robot")), Reason.SERVER_ERROR),
        (saying(answer("200 OK", b'{"errcode":0,', JSON, length=500)), Reason.CUT_OFF),
        (saying(b"220 mail.example.org\r\n"), Reason.BAD_ANSWER),
        (reset, Reason.CUT_OFF),
        (nothing, Reason.TIMEOUT),
    ],
    ids=str.split(
        "page empty list text true null deep huge absent status moved gateway cut mail reset slow"
    ),
)
async def test_what_is_no_answer_is_no_delivery(
    make: Make, say: Say, reason: Reason | None
) -> None:
    seconds = 0.3 if say is nothing else 10.0
    async with (
        RawServer(say) as server,
        channel(make, server.url, timeout_seconds=seconds) as found,
    ):
        with pytest.raises(DeliveryError) as caught:
            await found.send(message())
    assert caught.value.reason is (reason or Reason.MISCONFIGURED)
    _no_secret(str(caught.value))


@ALL
async def test_what_repeats_the_request_shows_no_secret(make: Make) -> None:
    secret = "" if make is wecom else SECRET
    echo = f'{{"errcode":4711,"code":4711,"errmsg":"/{TOKEN}?access_token={TOKEN}&{secret}"}}'
    async with (
        RawServer(saying(answer("200 OK", echo.encode(), JSON))) as server,
        channel(make, server.url) as found,
    ):
        with pytest.raises(DeliveryError, match=r"4711.*\*\*\*") as caught:
            await found.send(message())
    _no_secret(str(caught.value))


# check


@ALL
async def test_check_sends_no_message(make: Make) -> None:
    async with robot(make) as other, channel(make, other.url()) as found:
        findings = await found.check()
    assert all(finding.ok for finding in findings)
    assert [request.method for request in other.asked] == ["GET"]
    assert findings[-1].remedy == f'ctid check-channel {make.__name__} --send "a test"'
    _no_secret(" ".join(map(str, findings)).replace("\n", " "))


@ALL
async def test_check_sees_that_nobody_is_there(make: Make) -> None:
    async with channel(make, "http://127.0.0.1:1") as found:
        findings = await found.check()
    assert [finding.ok for finding in findings] == [True, False]
    assert "connection refused" in findings[-1].what


@ALL
@pytest.mark.parametrize("token", ["https://x/?access_token=t0ken", "access_token=t0ken", "t0 ken"])
async def test_check_sees_a_token_that_is_none(make: Make, token: str) -> None:
    async with robot(make) as other, channel(make, other.url(), token=token) as found:
        findings = await found.check()
    (wrong,) = [finding for finding in findings if not finding.ok]
    assert "is none of a robot" in wrong.what
    assert "t0" not in wrong.what


async def test_a_message_says_the_same_when_it_is_sent_again() -> None:
    """Apart from the time of its signature."""
    async with robot(feishu) as other, channel(feishu, other.url()) as found:
        await found.send(message())
        await found.send(replace(message()))
    assert other.taken[0] == other.taken[1]
