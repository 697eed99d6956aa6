"""The link in a page, from the page that was decided to the alert that somebody takes."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from ctid.domain.alerts import Acknowledged, Firing
from ctid.domain.roster import Person, Role
from ctid.store import alert_queries
from ctid.web.api import FAILURES_PER_MINUTE
from ctid.web.links import LINK_SECONDS, Link, sign
from tests.desk import BEGIN, LI, WANG, Clock, Desk, Names, opened


@dataclass
class Seen:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def words(self) -> str:
        """What a person reads."""
        body = self.text.partition("<body>")[2] or self.text
        return " ".join(re.sub(r"<[^>]*>", " ", body).split())

    @property
    def has_button(self) -> bool:
        return "<button>" in self.text


async def fetch(ctid: Desk, path: str, method: str = "GET", *, follow: bool = True) -> Seen:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, ctid.url + path, allow_redirects=follow) as response,
    ):
        return Seen(response.status, await response.text(), dict(response.headers))


async def paths(ctid: Desk, number: int = 1) -> dict[str, str]:
    """The paths of the links that an alert's pages hold, by recipient: its first page."""
    found: dict[str, str] = {}
    async with ctid.reader() as reader:
        for row in await alert_queries.pages_of(reader, number):
            page = await alert_queries.find_page(reader, number, row.seq)
            assert page is not None
            link = ctid.links.link(page)
            if link is not None:
                found.setdefault(row.recipient, link.removeprefix("https://ctid.example/desk"))
    return found


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("d")


@pytest.fixture
async def ctid(folder: Path) -> AsyncIterator[Desk]:
    async with opened(folder) as desk:
        await desk.desk.incident("network", "core switch, ask 13812345678 <b>", "root")
        yield desk


async def stored(ctid: Desk) -> object:
    async with ctid.reader() as reader:
        alert = await alert_queries.find_alert(reader, 1)
    assert alert is not None
    return alert.state


async def test_looking_changes_nothing_and_the_button_acknowledges(ctid: Desk) -> None:
    path = (await paths(ctid))["Wang Wu"]
    seen = await fetch(ctid, path)
    for _ in range(3):
        seen = await fetch(ctid, path)
        assert (seen.status, seen.has_button) == (200, True)
        await fetch(ctid, path, "HEAD")
    assert isinstance(await stored(ctid), Firing)
    assert seen.words == (
        "INCIDENT: core switch, ask 138******78 &lt;b&gt;, 网络专业热线 Alert 1 Paged at 09:00 "
        "I take care as Wang Wu"
    )
    ctid.clock.now += 120.0
    taken = await fetch(ctid, path, "POST", follow=False)
    assert taken.status == 303
    assert await stored(ctid) == Acknowledged(
        BEGIN, BEGIN + 120.0, "Wang Wu", "by the link in the page"
    )
    seen = await fetch(ctid, path)
    assert not seen.has_button
    assert seen.words.endswith("You take care of it, since 09:02.")


async def test_the_same_in_chinese_and_behind_a_proxy_with_a_path(ctid: Desk) -> None:
    path = (await paths(ctid))["李四"]
    seen = await fetch(ctid, path)
    assert '<html lang="zh-CN">' in seen.text
    assert "我来处理 以 李四 的名义" in seen.words
    assert "action=" not in seen.text  # it posts to where it was loaded from
    taken = await fetch(ctid, path, "POST", follow=False)
    assert taken.headers["Location"] == path.removeprefix("/a/")
    seen = await fetch(ctid, path, "POST")
    assert (seen.status, seen.words.endswith("您已于 09:00 接手。")) == (200, True)


async def test_what_is_about_all_of_ctid_is_called_so_everywhere(ctid: Desk) -> None:
    await ctid.desk.incident(None, "no power", "root")
    seen = await fetch(ctid, (await paths(ctid, 2))["Wang Wu"])
    assert seen.words.startswith("INCIDENT: no power, ctid Alert 2")
    ctid.config = ctid.config.model_copy(update={"site": "desk"})
    seen = await fetch(ctid, (await paths(ctid, 2))["Wang Wu"])
    assert seen.words.startswith("INCIDENT: no power, ctid desk Alert 2")


async def test_once_and_by_one(ctid: Desk) -> None:
    links = await paths(ctid)
    await fetch(ctid, links["Wang Wu"], "POST")
    ctid.clock.now += 60.0
    seen = await fetch(ctid, links["李四"], "POST")
    assert "Wang Wu 已于 09:00 接手。" in seen.words
    assert not seen.has_button
    state = await stored(ctid)
    assert isinstance(state, Acknowledged)
    assert (state.by, state.at) == ("Wang Wu", BEGIN)
    await ctid.desk.resolve(1, "root", "replaced")
    for who, words in (("Wang Wu", "It is over since 09:01 (root)."), ("李四", "已于 09:01 解除")):
        seen = await fetch(ctid, links[who], "POST")
        assert (seen.status, seen.has_button) == (200, False)
        assert words in seen.words


async def test_the_page_says_why_somebody_took_it(ctid: Desk) -> None:
    links = await paths(ctid)
    await ctid.desk.acknowledge(1, "Chen", "on my way, 13812345678")
    seen = await fetch(ctid, links["Wang Wu"], "POST")
    assert seen.words.endswith(
        "Chen takes care of it, since 09:00 (reason: on my way, 138******78)."
    )
    seen = await fetch(ctid, links["李四"], "POST")
    assert seen.words.endswith("Chen 已于 09:00 接手（备注：on my way, 138******78）。")


async def test_a_link_outlives_a_restart_and_is_used_up_for_good(folder: Path) -> None:
    clock = Clock()
    async with opened(folder, clock) as ctid:
        await ctid.desk.incident("network", "core switch", "root")
        path = (await paths(ctid))["Wang Wu"]
    clock.now += 60.0
    async with opened(folder, clock) as ctid:
        assert (await fetch(ctid, path)).has_button
        await fetch(ctid, path, "POST")
    clock.now += 60.0
    async with opened(folder, clock) as ctid:
        seen = await fetch(ctid, path, "POST")
        assert "You take care of it, since 09:01." in seen.words
        state = await stored(ctid)
        assert isinstance(state, Acknowledged)
        assert state.at == BEGIN + 60.0
        assert set(await paths(ctid)) == {"李四", "Wang Wu"}


async def test_an_old_link_says_so(ctid: Desk) -> None:
    path = (await paths(ctid))["Wang Wu"]
    ctid.clock.now += LINK_SECONDS - 1.0
    assert (await fetch(ctid, path)).has_button
    ctid.clock.now += 1.0
    for method in ("GET", "POST"):
        seen = await fetch(ctid, path, method)
        assert (seen.status, seen.has_button) == (410, False)
        assert seen.words == (
            "This link is too old Take the one in a newer page, or: ctid alerts ack 1"
        )
    assert isinstance(await stored(ctid), Firing)


async def test_what_was_not_signed_tells_nothing(ctid: Desk) -> None:
    good = (await paths(ctid))["Wang Wu"]
    other = sign(bytes(32), Link(1, 1, int(BEGIN + LINK_SECONDS)))
    unknown = sign(ctid.links.secret, Link(1, 7, int(BEGIN + LINK_SECONDS)))
    # as if the database had come back from a backup, and the number were given again
    again = sign(ctid.links.secret, Link(1, 1, int(BEGIN + LINK_SECONDS) - 1))
    answers = [
        await fetch(ctid, f"/a/{token}", method)
        for token in (good[3:-1] + ("A" if good[-1] != "A" else "B"), "x", other, unknown, again)
        for method in ("GET", "POST")
    ]
    assert {(seen.status, seen.words) for seen in answers} == {(404, "Not found 无此页面")}
    assert isinstance(await stored(ctid), Firing)


@pytest.mark.parametrize(
    ("method", "path", "status", "words", "allowed"),
    [
        ("GET", "/", 404, "There is nothing at this address. 无此页面。", None),
        ("GET", "/a/", 404, "There is nothing at this address. 无此页面。", None),
        ("POST", "/apis", 404, "There is nothing at this address. 无此页面。", None),
        (
            "PUT",
            "/a/x",
            405,
            "This address is no form: follow the link as it came. 请直接打开链接。",
            "GET, POST",
        ),
    ],
)
async def test_where_no_page_is_people_are_told_in_words(
    ctid: Desk, method: str, path: str, status: int, words: str, allowed: str | None
) -> None:
    seen = await fetch(ctid, path, method)
    assert (seen.status, seen.words) == (status, words)
    assert seen.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert seen.headers.get("Allow") == allowed


async def test_guessing_is_slow_and_keeps_nobody_out(ctid: Desk) -> None:
    good = (await paths(ctid))["Wang Wu"]
    answers = [await fetch(ctid, "/a/x", "POST") for _ in range(FAILURES_PER_MINUTE + 3)]
    seen = [answer.status for answer in answers]
    assert seen == [404] * FAILURES_PER_MINUTE + [429] * 3
    assert answers[-1].words == "Too many wrong addresses: try again later. 请稍后重试。"
    assert (await fetch(ctid, good, "POST")).status == 200
    assert isinstance(await stored(ctid), Acknowledged)


async def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(ctid: Desk) -> None:
    seen = await fetch(ctid, (await paths(ctid))["Wang Wu"])
    policy = seen.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for part in ("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert (seen.headers["Cache-Control"], seen.headers["Referrer-Policy"]) == (
        "no-store",
        "no-referrer",
    )
    assert not re.search(r"<script|<img|<link|src=|href=|url\(|style=", seen.text)


async def test_without_the_database_it_says_what_else_helps(ctid: Desk) -> None:
    path = (await paths(ctid))["Wang Wu"]
    database = ctid.folder / "ctid.sqlite3"
    database.rename(ctid.folder / "elsewhere")
    seen = await fetch(ctid, path, "POST")
    assert (seen.status, "ctid alerts ack 1" in seen.words) == (503, True)
    (ctid.folder / "elsewhere").rename(database)


async def test_a_person_without_a_language_gets_the_configured_one(folder: Path) -> None:
    quiet = Person("chen", "Chen", LI.routes)
    async with opened(folder, names=Names({Role.FIRST_LINE: [quiet, WANG]})) as ctid:
        await ctid.desk.test("server", "root")
        seen = await fetch(ctid, (await paths(ctid))["Chen"])
        assert seen.words.startswith("【演练】一切正常：Server hotline 告警 1")


async def test_what_cannot_be_written_holds_and_says_nothing_else(ctid: Desk) -> None:
    path = (await paths(ctid))["Wang Wu"]
    with closing(sqlite3.connect(ctid.folder / "ctid.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        seen = await fetch(ctid, path, "POST")
        assert (seen.status, seen.has_button) == (200, False)
        assert "You take care of it, since 09:00." in seen.words
        assert isinstance(await stored(ctid), Firing)
    # what follows is written with it, and not before it
    await ctid.desk.resolve(1, "root", "replaced")
    async with ctid.reader() as reader:
        row = await alert_queries.find_row(reader, 1)
    assert row is not None
    assert (row.acknowledged_by, row.acknowledged_at) == ("Wang Wu", BEGIN)
