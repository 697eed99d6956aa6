import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ctid.store import migrate
from tests.integration.store import postgresql
from tests.integration.stories.story import Story


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy is not asked for what is on loopback."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "ctid.sqlite3"
    asyncio.run(migrate.upgrade(str(path)))
    return path


@pytest.fixture
def sqlite(tmp_path: Path, empty_database: Path) -> str:
    path = tmp_path / "ctid.sqlite3"
    shutil.copy(empty_database, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    programs = postgresql.programs()
    if programs is None:
        pytest.skip(postgresql.MISSING)
    with postgresql.server(programs) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.Server) -> Iterator[str]:
    name = f"ctid_{uuid4().hex}"
    asyncio.run(postgresql_server.execute(f"CREATE DATABASE {name}"))
    url = postgresql_server.url(name)
    asyncio.run(migrate.upgrade(url))
    yield url
    asyncio.run(postgresql_server.execute(f"DROP DATABASE {name} WITH (FORCE)"))


Tell = Callable[..., Story]


@pytest.fixture
def story_of(tmp_path: Path, sqlite: str) -> Iterator[Tell]:
    """Begins a story, with whatever is said of it."""
    with ExitStack() as stack:

        def begin(**said: Any) -> Story:
            return stack.enter_context(Story(tmp_path, said.pop("store", sqlite), **said))

        yield begin


@pytest.fixture
def story(story_of: Tell) -> Story:
    return story_of()
