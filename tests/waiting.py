"""Waiting for a condition, with a deadline instead of a guess."""

import asyncio
from collections.abc import Callable

DEADLINE_SECONDS = 20.0


async def until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Return when the condition holds; raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition belongs to somebody else
            await asyncio.sleep(0.01)
