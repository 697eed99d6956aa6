"""The whole chain of a running daemon: a page, the link in it, and what commands and API say."""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.ami.fake_server import FakeAmi
from tests.integration.cli.processes import ran_aloud
from tests.integration.web.daemon import Daemon, daemon, text
from tests.waiting import until

TOKEN = "f00dfeedf00dfeedf00dfeed"
ROSTER = """
[[person]]
id = "li"
name = "李四"
channels = ["broken", "phone"]
[[person]]
id = "wang"
name = "Wang Wu"
channels = ["phone"]
language = "en"
[[shift]]
role = "first_line"
people = ["li", "wang"]
"""
PHONE = """
import json, sys
with open(sys.argv[1], "a") as file:
    file.write(sys.stdin.read() + "\\n")
"""
BROKEN = 'import sys; sys.exit("no SIM card of 13900000002")'
MORE = """
[api]
listen = "127.0.0.1:0"
[[api_token]]
name = "desk"
token_file = "api.token"
rights = ["read", "write"]
[roster]
file = "roster.toml"
[[channels.command]]
name = "phone"
argv = ["{python}", "{folder}/phone.py", "{folder}/phone.jsonl"]
[[channels.command]]
name = "broken"
argv = ["{python}", "{folder}/broken.py"]
[alert]
public_url = "https://ctid.example"
"""


@dataclass
class Chain:
    ctid: Daemon

    def paged(self) -> list[dict[str, Any]]:
        """The pages that reached the phone."""
        path = self.ctid.folder / "phone.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["pages"][0] for line in lines]

    def links(self) -> dict[str, str]:
        """The path of the link that everybody has."""
        return {
            page["recipient"]: page["acknowledge_url"].removeprefix("https://ctid.example")
            for page in self.paged()
            if page["acknowledge_url"]
        }

    async def type(self, *arguments: str) -> tuple[int, str]:
        return await ran_aloud(self.ctid.config, "alerts", *arguments, seconds=90)

    async def ask(self, method: str, path: str) -> tuple[int, str]:
        port = (await self.ctid.until("api_listening"))["port"]
        headers = {"Authorization": f"Bearer {TOKEN}"} if path.startswith("/api/") else {}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"http://127.0.0.1:{port}{path}") as response,
        ):
            return response.status, await response.text()


def configured(folder: Path, pbx: FakeAmi) -> str:
    for name, said in (("phone.py", PHONE), ("broken.py", BROKEN), ("roster.toml", ROSTER)):
        (folder / name).write_text(said)
    (folder / "api.token").write_text(TOKEN)
    (folder / "api.token").chmod(0o600)
    return text(pbx, more=MORE.format(python=sys.executable, folder=folder))


@pytest.fixture
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    folder = tmp_path_factory.mktemp("d")
    async with FakeAmi() as pbx, daemon(folder, configured(folder, pbx)) as ctid:
        await ctid.until("pbx_attached")
        yield Chain(ctid)


async def test_a_test_a_link_and_the_story(chain: Chain) -> None:
    status, said = await chain.type("test", "8001")
    assert status == 0, said
    (left,) = (line for line in said.splitlines() if "did not take it" in line)
    assert left.startswith("李四: broken did not take it: ")
    assert left.endswith("no SIM card of 139******02")
    assert "李四: delivered by phone, " in said
    assert said.splitlines()[-1] == "alert 1: all 2 were delivered"
    links = chain.links()
    assert set(links) == {"李四", "Wang Wu"}

    status, page = await chain.ask("GET", links["Wang Wu"])
    assert (status, "<button>I take care</button>" in page) == (200, True)
    status, page = await chain.ask("POST", links["Wang Wu"])
    assert (status, "You take care of it" in page) == (200, True)
    status, page = await chain.ask("POST", links["李四"])
    assert (status, "<button>" in page, "Wang Wu 已于" in page) == (200, False, True)

    status, answer = await chain.ask("GET", "/api/v1/alerts/1")
    alert = json.loads(answer)
    assert (status, alert["state"], alert["acknowledged_by"]) == (200, "acknowledged", "Wang Wu")
    status, said = await chain.type("list")
    assert (status, said.splitlines()[1].split()[:4]) == (0, ["1", "acknowledged", "test", "8001"])
    await until(lambda: len(chain.paged()) == 3)
    assert [page["event"] for page in chain.paged()] == ["firing", "firing", "acknowledged"]

    assert (await chain.type("resolve", "1", "--why", "it works"))[0] == 0
    status, said = await chain.type("show", "1")
    assert status == 0
    assert "acknowledged by Wang Wu" in said
    assert left.removeprefix("李四: ") in said
    assert "over: resolved by" in said


async def test_the_story_without_a_daemon(chain: Chain) -> None:
    assert (await chain.type("incident", "core switch", "--line", "8001"))[0] == 0
    await until(lambda: len(chain.paged()) == 2)
    assert await chain.ctid.stop() == 0
    status, said = await chain.type("show", "1")
    lines = said.splitlines()
    assert (status, lines[0]) == (0, "ctid: no daemon runs: this is how it stood when it ended")
    assert lines[1] == "alert 1: incident on 8001, firing"
    assert sum("delivered by phone" in line for line in lines) == 2
    status, said = await chain.type("ack", "1")
    assert (status, "no daemon answers there" in said) == (1, True)
