import threading
from collections.abc import AsyncIterator

import pytest

from tests.waiting import until


@pytest.fixture(autouse=True)
async def drivers_thread_has_ended() -> AsyncIterator[None]:
    """Where a file cannot be opened, aiosqlite does not wait for its thread; the loop must."""
    yield
    await until(lambda: not any(map(_is_drivers, threading.enumerate())))


def _is_drivers(thread: threading.Thread) -> bool:
    return "_connection_worker_thread" in thread.name
