"""The machine's surroundings kept out, and a fresh database of each kind."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def migrated_in_postgresql(postgresql_server: postgresql.Server) -> str:
    """The name of a database to be copied, which is faster than to make it again and again."""
    asyncio.run(postgresql_server.execute("CREATE DATABASE ctid_migrated"))
    asyncio.run(upgrade(postgresql_server.url("ctid_migrated")))
    return "ctid_migrated"


@pytest.fixture(scope="session")
def migrated_in_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "ctid.sqlite3"
    asyncio.run(upgrade(str(path)))
    return path


@pytest.fixture
async def empty_postgresql_url(postgresql_server: postgresql.Server) -> AsyncIterator[str]:
    async with postgresql_server.database("template1") as url:
        yield url


@pytest.fixture
async def postgresql_url(
    postgresql_server: postgresql.Server, migrated_in_postgresql: str
) -> AsyncIterator[str]:
    async with postgresql_server.database(migrated_in_postgresql) as url:
        yield url


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where nothing is yet."""
    return tmp_path / "ctid.sqlite3"


@pytest.fixture
def empty_sqlite_url(sqlite_path: Path) -> str:
    return f"sqlite:///{sqlite_path}"


@pytest.fixture
def sqlite_url(sqlite_path: Path, migrated_in_sqlite: Path) -> str:
    shutil.copy(migrated_in_sqlite, sqlite_path)
    return f"sqlite:///{sqlite_path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"empty_{request.param}_url")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with await Store.open(url, busy_timeout_seconds=2) as opened:
        yield opened


@pytest.fixture
async def reader(url: str) -> AsyncIterator[Reader]:
    async with await Reader.open(url) as opened:
        yield opened
