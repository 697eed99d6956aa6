"""What goes through Apprise, against a small server that its plugin `json` posts to."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from ctid.config.channels import AppriseChannel
from ctid.config.secret import Secret
from ctid.outbound.pages.apprise import Apprise, masked
from ctid.outbound.port import DeliveryError, Finding, Reason
from tests.integration.pages.mail import MailServer
from tests.integration.tickets.raw_server import RawServer, answer, nothing, saying
from tests.pages import message

PASSWORD, PLACE = "passw0rd", "s3cret-place"


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What reaches the root logger, which is where ctid writes from. (caplog sees more.)"""
    text = StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


def url_of(server: RawServer) -> str:
    return f"json://ctid:{PASSWORD}@127.0.0.1:{server.port}/{PLACE}"


def table(url: str | None = None, **keys: Any) -> AppriseChannel:
    secret = None if url is None else Secret(url)
    return AppriseChannel(**keys).model_copy(update={"url": secret})


async def send(settings: AppriseChannel, **changes: Any) -> None:
    channel = Apprise(settings)
    try:
        await channel.send(message(**changes))
    finally:
        await channel.close()


async def failure(settings: AppriseChannel, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(settings, **changes)
    for part in (PASSWORD, PLACE, "ctid:"):
        assert part not in str(caught.value)
    return caught.value


def posted(server: RawServer) -> dict[str, Any]:
    (request,) = server.requests
    found: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return found


async def test_the_text_arrives_as_it_is() -> None:
    text = "a *b* <c> \\n %s {x} 中\nsecond"
    async with RawServer(saying(answer())) as server:
        await send(table(url_of(server)), title="网络: <b>1</b>", text=text)
    got = posted(server)
    assert got["title"] == "网络: <b>1</b>"
    assert got["message"] == f"{text}\nAcknowledge 确认: {message().links[0][1]}"


async def test_the_roster_says_where_to() -> None:
    async with RawServer(saying(answer())) as server:
        await send(table("json://127.0.0.1:1/"), address=url_of(server))
    assert len(server.requests) == 1


async def test_nowhere() -> None:
    error = await failure(table())
    assert error.reason is Reason.MISCONFIGURED
    assert "`url_file`" in str(error)


@pytest.mark.parametrize(
    ("address", "to"), [(None, "desk@example.org"), ("li.si+1@example.org", "li.si+1@example.org")]
)
async def test_mail(address: str | None, to: str) -> None:
    async with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=ctid@example.org&to=desk@example.org"
        await send(table(url), address=address, text="a <b>\n中文")
    ((recipients, mail),) = server.mails
    assert recipients == [to]
    assert mail["Subject"] == message().title
    assert mail["From"] == "ctid@example.org"
    assert mail.get_content_type() == "text/plain"
    assert "a <b>\n中文" in mail.get_content().replace("\r\n", "\n")


async def test_a_mail_server_that_refuses() -> None:
    async with MailServer(refuses="550 no such person") as server:
        url = f"mailto://127.0.0.1:{server.port}?from=ctid@example.org&to=desk@example.org"
        error = await failure(table(url))
    assert error.reason is Reason.REJECTED
    assert server.mails == []


@pytest.mark.parametrize("address", ["13800001111", "a@b,c@d", "a@b\nBcc: c@d", "a@b?mode=x&y", ""])
async def test_an_address_that_is_none(address: str) -> None:
    url = "mailto://127.0.0.1:1?from=ctid@example.org"
    settings = table(url if "?" not in address else "json://127.0.0.1:1/")
    error = await failure(settings, address=address)
    assert error.reason is Reason.REJECTED
    assert "no Apprise URL" in str(error)


async def test_a_failure_without_secrets(log: StringIO) -> None:
    body = f"{PASSWORD} {PLACE}".encode()
    async with RawServer(saying(answer("500 Broken", body))) as server:
        error = await failure(table(url_of(server)))
    assert error.reason is Reason.REJECTED
    assert "error=500" in str(error)
    error = await failure(table(f"json://ctid:{PASSWORD}@127.0.0.1:1/{PLACE}"))
    assert error.reason is Reason.REJECTED
    assert PASSWORD not in log.getvalue()
    assert PLACE not in log.getvalue()


async def test_a_slow_answer() -> None:
    async with RawServer(nothing) as server:
        error = await failure(table(url_of(server), timeout_seconds=0.5))
    assert error.reason is Reason.TIMEOUT
    assert "json: no answer within 0.5 s" in str(error)


@pytest.mark.parametrize("url", ["nonsense", f"nonsense://{PASSWORD}/{PLACE}", "json://", "x y"])
async def test_a_url_that_is_none(url: str, log: StringIO) -> None:
    error = await failure(table(url))
    assert error.reason is Reason.MISCONFIGURED
    assert "Apprise makes nothing of the URL" in str(error)
    assert PASSWORD not in log.getvalue()


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (f"dingtalk://{PASSWORD}@{PLACE}", "dingtalk"),
        (f"https://oapi.dingtalk.com/robot/send?access_token={PLACE}", "dingtalk"),
        (f"wecombot://{PLACE}", "wecom"),
        (f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={PLACE}", "wecom"),
        (f"feishu://{PLACE}", "feishu"),
        (f"Lark://{PLACE}", "feishu"),
        (f"https://open.larksuite.com/open-apis/bot/v2/hook/{PLACE}", "feishu"),
    ],
)
async def test_robots_have_channels_of_their_own(url: str, own: str) -> None:
    error = await failure(table(), address=url)
    assert error.reason is Reason.REJECTED
    assert f"use [[channels.{own}]]" in str(error)


def test_what_is_masked() -> None:
    url = "mailtos://me%40example.org:p%40ss%20word@smtp.example.org?from=x@example.org"
    text = "login p@ss word of me@example.org at smtp.example.org failed\n(535)"
    assert masked(text, url) == "login *** of *** at smtp.*** failed (535)"


async def check(settings: AppriseChannel) -> Finding:
    channel = Apprise(settings)
    (finding,) = await channel.check()
    await channel.close()
    return finding


async def test_check_sends_nothing() -> None:
    async with RawServer(saying(answer())) as server:
        found = await check(table(url_of(server)))
    assert found.ok
    assert "JSON" in found.what
    assert server.connections == 0
    assert not (await check(table("nonsense://x"))).ok
    assert not (await check(table("feishu://x"))).ok
    assert (await check(table())).ok


def test_who_has_no_such_channel_does_not_pay_for_it() -> None:
    code = "import sys, ctid.outbound.pages.channels; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
