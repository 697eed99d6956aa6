import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ctid.store import migrate
from tests.integration.stories.story import Story


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
