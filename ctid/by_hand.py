"""What people change about call-backs, tickets and callers, asked over the control socket."""

from collections.abc import Callable, Sequence

import structlog

from ctid.domain.returns import ToReturn
from ctid.outbound.port import UNCLEAR
from ctid.pipeline import Pipeline
from ctid.refusal import RefusedError
from ctid.store import forgetting
from ctid.store import tickets as stored
from ctid.store.forgetting import Forgotten
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.spellings import Spellings
from ctid.tickets import Tickets
from ctid.watching import Watching

log = structlog.get_logger("ctid")

_UNCLEAR = frozenset(reason.value for reason in UNCLEAR)


class ByHand:
    """Changes what was decided; `clock` is Unix seconds. All may raise StoreUnavailable."""

    def __init__(
        self,
        tickets: Tickets,
        watching: Watching,
        pipeline: Pipeline,
        store: Store,
        clock: Callable[[], float],
    ) -> None:
        self._tickets = tickets
        self._watching = watching
        self._pipeline = pipeline
        self._store = store
        self._clock = clock

    async def close_return(self, pbx: str | None, uniqueid: str, by: str, why: str) -> None:
        """Nobody has to call this caller back any more. Raises RefusedError."""
        async with self._reader() as reader:
            entry = _only(uniqueid, await stored.find_return(reader, pbx, uniqueid))
            drafts = await stored.drafts_about(reader, entry)
        decided = self._tickets.policy.close(entry, drafts, self._clock(), by, why)
        self._pipeline.decided(decided)
        self._watching.settled(decided.returns)
        log.info("missed_closed", pbx=entry.pbx, call=uniqueid, by=by, why=why)

    async def retry(self, backend: str | None, keys: Sequence[str]) -> int:
        """Have drafts delivered again; how many.

        At once, but what has to be looked up first when it may be there.
        """
        chosen = await self._chosen(backend, keys)
        changed = await stored.retry(self._store, chosen, self._clock(), _UNCLEAR)
        for name in {destination for destination, _ in chosen}:
            self._tickets.hurry(name)
        return changed

    async def retry_all(self, backend: str | None, *, waiting: bool) -> int:
        """Do that with all that are dead, and, if wished, all that wait; how many."""
        states = (OutboxState.DEAD, OutboxState.PENDING) if waiting else (OutboxState.DEAD,)
        changed = await stored.retry_all(self._store, backend, states, self._clock(), _UNCLEAR)
        self._tickets.hurry(backend)
        return changed

    async def drop(self, backend: str | None, keys: Sequence[str], by: str, why: str) -> int:
        """Deliver these drafts no more; how many were not delivered yet."""
        chosen = await self._chosen(backend, keys)
        return await stored.drop(self._store, chosen, self._clock(), f"{why} ({by})")

    async def forget(self, number: str) -> Forgotten:
        """Forget a caller's number, on disk and in memory."""
        now = self._clock()
        # what waits for its commit must not bring it back
        await self._pipeline.written()
        decided = self._tickets.policy.forget(Spellings(number), now)
        self._pipeline.decided(decided)
        self._watching.settled(decided.returns)
        self._watching.change(lambda watch, _: watch.forget(Spellings(number)))
        forgotten = await forgetting.forget(self._store, number, now)
        if not forgotten.is_off_disk:
            log.warning(
                "forgotten_number_still_in_log",
                why=f"{self._store.database}-wal is being read; end long reads, forget it again",
            )
        return forgotten

    async def _chosen(self, backend: str | None, keys: Sequence[str]) -> list[tuple[str, str]]:
        async with self._reader() as reader:
            found = await stored.find_rows(reader, list(dict.fromkeys(keys)))
        rows = [row for row in found if backend in (None, row[0])]
        named: dict[str, set[str]] = {}
        for _, key, call in rows:
            named.setdefault(key, set()).add(key)
            named.setdefault(call, set()).add(key)
        for key in keys:
            if key not in named:
                here = "" if backend is None else f" for {backend}"
                raise RefusedError(
                    f"{key}: no draft{here} has this key or call; `ctid outbox list` shows them"
                )
            if len(named[key]) > 1:
                several = ", ".join(sorted(named[key]))
                raise RefusedError(f"{key}: several PBXs have this id: give the key ({several})")
        return [*dict.fromkeys((destination, key) for destination, key, _ in rows)]

    def _reader(self) -> Reader:
        return Reader(self._store.database)


def _only(uniqueid: str, found: Sequence[ToReturn]) -> ToReturn:
    """The one entry that is meant, if it is open."""
    if not found:
        raise RefusedError(f"{uniqueid}: no missed call has this id; `ctid missed list` shows them")
    if len(found) > 1:
        names = ", ".join(entry.pbx for entry in found)
        raise RefusedError(f"{uniqueid}: several PBXs have this id ({names}): give --pbx")
    (entry,) = found
    if not entry.is_open:
        raise RefusedError(f"{uniqueid}: is {entry.state} already ({entry.why})")
    return entry
