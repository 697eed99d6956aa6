"""`ctid check-channel` as it is typed."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.checked import checked
from tests.integration.pages.robots import DingTalkRobot
from tests.integration.tickets.raw_server import RawServer, answer, saying

NOW_IS_REAL = 0.0
TOKEN = "t0ken-0f-the-robot"
CONFIG = """
site = "desk"
[[pbx]]
secret_file = "secret"
[[channels.dingtalk]]
name = "group"
url = "{url}"
token_file = "token"
[[channels.command]]
argv = ["{folder}/page"]
"""


async def check_channel(
    folder: Path, *arguments: str, url: str = "http://127.0.0.1:1", token: str = TOKEN
) -> tuple[int, str, str]:
    config = CONFIG.format(url=url, folder=folder)
    return await checked(folder, config, token, "check-channel", *arguments)


async def test_without_send_nobody_is_disturbed(tmp_path: Path) -> None:
    robot = DingTalkRobot(TOKEN, None, NOW_IS_REAL)
    async with robot.server:
        code, out, err = await check_channel(tmp_path, "group", url=robot.url())
    assert (code, err) == (0, "")
    assert "not ok" not in out
    assert '-> ctid check-channel group --send "a test"\n' in out
    assert robot.taken == []


async def test_a_message_is_marked_as_a_test(tmp_path: Path) -> None:
    robot = DingTalkRobot(TOKEN, None, NOW_IS_REAL)
    async with robot.server:
        code, out, err = await check_channel(
            tmp_path, "group", "--send", "is this read?", "--to", "13800001111", url=robot.url()
        )
    assert (code, err) == (0, "")
    assert "ok      the message was taken: `【演练】ctid desk`\n" in out
    assert "--send" not in out
    (document,) = robot.taken
    assert document["markdown"]["title"] == "【演练】ctid desk"
    assert "is this read?" in document["markdown"]["text"]
    assert document["at"]["atMobiles"] == ["13800001111"]


async def test_a_rejection_with_http_200(tmp_path: Path) -> None:
    robot = DingTalkRobot(TOKEN, None, NOW_IS_REAL)
    async with robot.server:
        code, out, err = await check_channel(
            tmp_path, "group", "--send", "x", url=robot.url(), token="wr0ng-token"
        )
    assert (code, err) == (1, "")
    assert "not ok  the message: 127.0.0.1:" in out
    assert "refused with errcode 300005" in out
    assert "wr0ng" not in out
    assert robot.taken == []


async def test_a_program_gets_it_as_json(tmp_path: Path) -> None:
    (tmp_path / "page").write_text(f"#!/bin/sh\ncat > {tmp_path}/got\n")
    (tmp_path / "page").chmod(0o700)
    code, out, err = await check_channel(
        tmp_path, "command", "--send", "two\nrows", "--format", "json"
    )
    assert (code, err) == (0, "")
    assert all(finding["ok"] for finding in json.loads(out))
    got = json.loads((tmp_path / "got").read_text())
    assert (got["site"], got["text"]) == ("desk", "two\nrows")
    assert [part["kind"] for part in got["pages"]] == ["test"]


ELSEWHERE = """
[[pbx]]
secret_file = "secret"
[[channels.webhook]]
url = "http://127.0.0.1:{port}/pages"
token_file = "token"
[[channels.mqtt]]
port = 1
"""


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("404 Not Found", "answered 404: no; correct `url`"),
        ("401 Unauthorized", "credentials or rights are wrong: look at `token_file` and `secret_f"),
        ("500 Oops", "answered 500: no; look into the log of that system"),
        ("503 Later", "-> wait, or lower `per_minute` and `concurrency`"),
    ],
)
async def test_what_a_webhook_answers_is_told_with_what_to_do(
    tmp_path: Path, status: str, how: str
) -> None:
    async with RawServer(saying(answer(status, b"no"))) as server:
        config = ELSEWHERE.format(port=server.port)
        arguments = ("check-channel", "webhook", "--send", "x", "--format", "json")
        code, out, _ = await checked(tmp_path, config, TOKEN, *arguments)
    *_, told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    assert how in f"{told['what']} -> {told['remedy']}"


async def test_of_a_broker_only_keys_that_it_has_are_named(tmp_path: Path) -> None:
    config = ELSEWHERE.format(port=1)
    code, out, err = await checked(tmp_path, config, TOKEN, "check-channel", "mqtt", "--send", "x")
    assert (code, err) == (1, "")
    assert "`url`" not in out
    assert out.count("-> correct `host`, `port`, `tls` or the certificates") == 2


async def test_a_name_that_cannot_be_resolved_has_nothing_to_do_with_certificates(
    tmp_path: Path,
) -> None:
    code, out, _ = await check_channel(tmp_path, "group", url="https://robot.invalid")
    said = " ".join(out.split())
    assert code == 1
    assert "the name cannot be resolved; do the name servers of this machine know it?" in said
    assert "-> look at `url`, and for a firewall or proxy in between" in said
    assert "ca_file" not in out


async def test_an_unknown_name(tmp_path: Path) -> None:
    code, out, err = await check_channel(tmp_path, "groop")
    assert (code, out) == (2, "")
    assert err.endswith("no such channel in " + f"{tmp_path}/ctid.toml; did you mean `group`?\n")
