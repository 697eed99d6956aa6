"""`ctid check-backend` as it is typed."""

import json
from pathlib import Path

from tests.integration.cli.checked import checked
from tests.integration.tickets.zammad_server import LOGIN, TOKEN, Zammad

CONFIG = """
[[pbx]]
secret_file = "secret"
[[file]]
path = "tickets.jsonl"
[[zammad]]
name = "helpdesk"
url = "{url}"
group = "Users"
token_file = "token"
"""


async def check_backend(
    folder: Path, *arguments: str, url: str = "http://127.0.0.1:1", token: str = TOKEN
) -> tuple[int, str, str]:
    config = CONFIG.format(url=url)
    return await checked(folder, config, token, "check-backend", *arguments)


async def test_a_system_that_is_well(tmp_path: Path) -> None:
    server = Zammad()
    async with server.server:
        code, out, err = await check_backend(tmp_path, "helpdesk", url=server.url())
    assert (code, err) == (0, "")
    assert f"ok      the token is one of {LOGIN}\n" in out
    assert "ok      tickets may be made in group Users\n" in out
    assert "not ok" not in out
    assert server.tickets == {}


async def test_what_is_wrong_comes_with_its_remedy(tmp_path: Path) -> None:
    server = Zammad()
    async with server.server:
        code, out, err = await check_backend(
            tmp_path, "helpdesk", url=server.url(), token="wr0ng-token"
        )
    assert (code, err) == (1, "")
    wrong, remedy = out.splitlines()[-2:]
    assert wrong.startswith("not ok  the token: 127.0.0.1:")
    assert "answered 401: credentials or rights are wrong" in wrong
    assert remedy.startswith("        -> give `token_file`")
    assert "wr0ng" not in out


async def test_nobody_there(tmp_path: Path) -> None:
    code, out, err = await check_backend(tmp_path, "helpdesk")
    assert (code, err) == (1, "")
    assert "not ok  the token: 127.0.0.1:1: connection refused\n" in out


async def test_json(tmp_path: Path) -> None:
    code, out, err = await check_backend(tmp_path, "file", "--format", "json")
    assert (code, err) == (0, "")
    what = f"{tmp_path}/tickets.jsonl will be made with the first draft"
    assert json.loads(out) == [{"ok": True, "what": what, "remedy": None}]
    assert not (tmp_path / "tickets.jsonl").exists()


async def test_an_unknown_name(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    code, out, err = await check_backend(tmp_path, "helpdsk")
    assert (code, out) == (2, "")
    assert err == f"ctid: helpdsk: no such ticket system in {path}; did you mean `helpdesk`?\n"
    code, out, err = await check_backend(tmp_path, "x")
    assert (code, out) == (2, "")
    assert err.endswith("; there are: helpdesk, file\n")
