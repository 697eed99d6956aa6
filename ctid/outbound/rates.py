"""Numbers that need the database, computed beside the scrapes and not in them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from ctid.domain.days import local_day, midnight
from ctid.domain.kpi import RUNG
from ctid.domain.records import Outcome
from ctid.outbound.reading import Rates
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader

_T = TypeVar("_T")

EVERY_SECONDS = 30.0


class Keeper(Generic[_T]):
    """Calls `compute` again and again; `current` is what it gave last, else `unknown`."""

    def __init__(
        self,
        compute: Callable[[], Awaitable[_T]],
        unknown: _T,
        *,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._compute = compute
        self._unknown = unknown
        self._every_seconds = every_seconds
        self._found = unknown

    def current(self) -> _T:
        return self._found

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                self._found = await self._compute()
            except StoreUnavailable:
                self._found = (
                    self._unknown
                )  # what is not known is not shown; the writer tells of the failure
            await asyncio.sleep(self._every_seconds)


async def answer_rates(reader: Reader, lines: list[str], zone: str, now: float) -> Rates:
    """Answered / rung of the offers since midnight and since the first of the month, in `zone`.

    `now` is Unix seconds. Raises StoreUnavailable.
    """
    rates: dict[tuple[str, str], float] = {}
    for period, since in _periods(zone, now).items():
        counts = await reader.count_outcomes(lines, since)
        for line in lines:
            rung = sum(counts.get((line, outcome), 0) for outcome in RUNG)
            if rung:
                rates[line, period] = counts.get((line, Outcome.ANSWERED), 0) / rung
    return rates


def _periods(zone: str, now: float) -> dict[str, float]:
    today = local_day(now, zone)
    return {"today": midnight(today, zone), "month": midnight(today.replace(day=1), zone)}
