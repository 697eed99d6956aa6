"""The machine's surroundings kept out, and a fresh database of each kind."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ctid.store.migrate import upgrade
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.store import postgresql


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy is not asked for what is on loopback."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    programs = postgresql.programs()
    if programs is None:
        pytest.skip(postgresql.MISSING)
    with postgresql.server(programs) as server:
        yield server


@pytest.fixture
async def postgresql_url(postgresql_server: postgresql.Server) -> AsyncIterator[str]:
    name = f"ctid_{uuid4().hex}"
    await postgresql_server.execute(f"CREATE DATABASE {name}")
    yield postgresql_server.url(name)
    await postgresql_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "ctid.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, sqlite_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{sqlite_path}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
async def url(empty_url: str) -> str:
    await upgrade(empty_url)
    return empty_url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with await Store.open(url, busy_timeout_seconds=2) as opened:
        yield opened


@pytest.fixture
async def reader(url: str) -> AsyncIterator[Reader]:
    async with await Reader.open(url) as opened:
        yield opened
