"""Numbers that need the database, kept for scrapes and status, which must not wait for it."""

import asyncio
import time
from collections.abc import Callable

from ctid.config import Config
from ctid.outbound.rates import Keeper, answer_rates
from ctid.outbound.reading import Rates, Waiting
from ctid.store.alert_queries import page_backlogs
from ctid.store.queries import Reader
from ctid.store.tickets import backlogs, count_returns


class Kept:
    """Answer rates, and what waits; `config` gives the one that is in force."""

    def __init__(self, url: str, config: Callable[[], Config]) -> None:
        self._url = url
        self._config = config
        self.rates: Keeper[Rates] = Keeper(self._rates, {})
        self.waiting: Keeper[Waiting | None] = Keeper(self._waiting, None)

    async def run(self) -> None:
        """Keep them, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.rates.run(), name="rates")
            tasks.create_task(self.waiting.run(), name="waiting")

    async def _rates(self) -> Rates:
        config = self._config()
        lines = [line.name for line in config.line]
        async with await Reader.open(self._url) as reader:
            return await answer_rates(reader, lines, config.timezone, time.time())

    async def _waiting(self) -> Waiting:
        async with await Reader.open(self._url) as reader:
            returns = await count_returns(reader, time.time())
            return Waiting(await backlogs(reader), returns, await page_backlogs(reader))
