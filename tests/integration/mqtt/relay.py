"""Another way to the broker, which can be cut after so many bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

NAME = "relay"
"""Of its tasks, which end when both sides have heard of the end."""


class Budget:
    """How many bytes may still pass before the connection is cut; None: any number."""

    def __init__(self, left: int | None) -> None:
        self.left = left

    def take(self, data: bytes) -> bytes:
        if self.left is None:
            return data
        passed = data[: self.left]
        self.left -= len(passed)
        return passed


@asynccontextmanager
async def relay(
    to: int, address: str, *, sent: int | None = None, answered: int | None = None
) -> AsyncIterator[int]:
    """Its port. Each connection is cut after `sent` bytes to the broker, or `answered` from it."""
    ended: set[asyncio.Task[None]] = set()

    async def connected(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name(NAME)
        ended.add(task)
        back, forth = await asyncio.open_connection("127.0.0.1", to)

        async def carry(
            source: asyncio.StreamReader, goal: asyncio.StreamWriter, budget: Budget
        ) -> None:
            with suppress(ConnectionError):
                while budget.left != 0 and (data := await source.read(4096)):
                    goal.write(budget.take(data))
                    await goal.drain()
            forth.close()
            writing.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(carry(reading, forth, Budget(sent)))
            tasks.create_task(carry(back, writing, Budget(answered)))

    server = await asyncio.start_server(connected, address, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    if ended:
        await asyncio.wait(ended)
