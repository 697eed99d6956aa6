"""What all workers do: they take turns, and make attempts that end in time."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from ctid.outbound.port import DeliveryError, Reason

log = structlog.get_logger("ctid")


class Turns:
    """One turn after another, each when it is due or somebody wakes it, until `stop`.

    A turn gives when the next is due. If it raises, that is logged as `fault` with its `about`.
    """

    def __init__(
        self, clock: Callable[[], float], longest: float, fault: str, pause: float, **about: str
    ) -> None:
        """`longest` and, after a fault, `pause` are the seconds between two turns."""
        self._clock = clock
        self._longest = longest
        self._pause = pause
        self._fault = fault
        self._about = about
        self._woken = asyncio.Event()
        self._waits = False
        self._ends_at: float | None = None
        self.stopped = False

    @property
    def rests(self) -> bool:
        """Whether it waits for the time, or to be woken."""
        return self._waits and not self._woken.is_set()

    def wake(self) -> None:
        """The next turn is due now."""
        self._woken.set()

    def stop(self, seconds: float | None = None) -> None:
        """No more turns but those of `end`, which has `seconds`; None: as long as it takes."""
        self.stopped = True
        if seconds is not None:
            self._ends_at = asyncio.get_running_loop().time() + seconds
        self._woken.set()

    async def take(self, turn: Callable[[], Awaitable[float]]) -> None:
        """Take turns until it is stopped."""
        while not self.stopped:
            await self._rest(await self._one(turn))

    async def end(
        self, turn: Callable[[], Awaitable[float]], is_busy: Callable[[], object]
    ) -> None:
        """Take turns while something is under way, of which each wakes when it ends."""
        while is_busy() and self._left() > 0:
            pause = await self._one(turn)
            if is_busy():
                await self._rest(min(pause, self._left()))

    async def _one(self, turn: Callable[[], Awaitable[float]]) -> float:
        """Take a turn; give the seconds until the next."""
        self._woken.clear()
        try:
            return min(self._longest, max(0.0, await turn() - self._clock()))
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception(self._fault, **self._about)
            return self._pause

    async def _rest(self, seconds: float) -> None:
        self._waits = seconds > 0
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # unlike wait_for it loses no cancellation
                await self._woken.wait()
        self._waits = False

    def _left(self) -> float:
        """For how many seconds it may go on."""
        if self._ends_at is None:
            return math.inf
        return self._ends_at - asyncio.get_running_loop().time()


@asynccontextmanager
async def attempting(seconds: float, fault: str, **about: Any) -> AsyncIterator[None]:
    """Raises DeliveryError; what was none is a fault of ours, and is logged like that of a turn."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except DeliveryError:
        raise
    except TimeoutError:
        raise DeliveryError(Reason.TIMEOUT, f"not done within {seconds:g} s") from None
    except Exception as error:
        # a fault of ours must not stop the recording of calls
        log.exception(fault, **about)
        name = type(error).__name__
        raise DeliveryError(Reason.BAD_ANSWER, f"a fault of ctid: {name}; see its log") from error
