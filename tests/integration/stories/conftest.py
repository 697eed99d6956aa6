from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stories.story import Story

Tell = Callable[..., Story]


@pytest.fixture
def story_of(tmp_path: Path, sqlite_url: str) -> Iterator[Tell]:
    """Begins a story, with whatever is said of it."""
    with ExitStack() as stack:

        def begin(**said: Any) -> Story:
            return stack.enter_context(Story(tmp_path, said.pop("store", sqlite_url), **said))

        yield begin


@pytest.fixture
def story(story_of: Tell) -> Story:
    return story_of()
