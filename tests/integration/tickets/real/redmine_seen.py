"""What a Redmine holds and shows, and the backend that is tried on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ctid.outbound.http import Http
from ctid.outbound.port import Remote
from ctid.outbound.tickets import open_backend
from ctid.outbound.tickets import redmine as backends
from tests.integration.tickets.real.page import Shown, shown
from tests.integration.tickets.real.program import get
from tests.integration.tickets.real.redmine import Redmine


@asynccontextmanager
async def opened(
    redmine: Redmine, key: str | None = None, **keys: Any
) -> AsyncIterator[backends.Redmine]:
    backend = open_backend(redmine.table(key, **keys), "desk", "Asia/Shanghai")
    assert isinstance(backend, backends.Redmine)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def person(redmine: Redmine) -> AsyncIterator[Http]:
    """An administrator who works in Redmine."""
    headers = {"X-Redmine-API-Key": redmine.key("zhang")}
    http = Http(redmine.program.url, headers, timeout_seconds=60)
    try:
        yield http
    finally:
        await http.close()


async def issue(redmine: Redmine, remote: Remote) -> dict[str, Any]:
    async with person(redmine) as http:
        path = f"/issues/{remote.id}.json"
        answer = await http.request("GET", path, params={"include": "journals"})
    found = answer.json()["issue"]
    assert isinstance(found, dict)
    return found


async def change(redmine: Redmine, remote: Remote, **changes: Any) -> None:
    async with person(redmine) as http:
        body = {"issue": changes}
        answer = await http.request("PUT", f"/issues/{remote.id}.json", json=body)
        assert answer.status == 204, answer.shown()


async def texts(redmine: Redmine, remote: Remote) -> list[Shown]:
    """The description and the notes, as the page of the issue shows them."""
    assert remote.url is not None
    page = await get(remote.url, {"X-Redmine-API-Key": redmine.key()})
    return shown(page, "wiki")


def plain(text: str) -> str:
    """Without what nobody sees: word joiners, and how much space there is."""
    return "".join(text.replace("\u2060", "").split())
