"""What waits for its commit, bounded: while the disk is full the calls are held here."""

from collections.abc import Hashable, Iterable
from typing import Final, TypeVar

from ctid.domain.alerts import Acknowledged, Alert, Firing, Page, Resolved, Silence, Warned
from ctid.domain.batch import Batch
from ctid.domain.policy import NOTHING, Decided, Wanted
from ctid.domain.records import Fact, Gap, OpenCall, Record, Seen
from ctid.domain.returns import ToReturn
from ctid.domain.tracker import Changes

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

_STAGES: Final = (Warned, Firing, Acknowledged, Resolved)


class Pending:
    """Changes to be written, newest state of each thing once.

    Beyond `limit` records the oldest facts go first (they only explain), then the oldest finished
    records; `dropped` counts the records that were lost so. Alerts, pages and silences never go:
    they are few, and somebody has to be told.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: dict[tuple[str, str, int], Record] = {}
        self._facts: list[Fact] = []
        self._open_calls: dict[tuple[str, str], OpenCall] = {}
        self._gaps: dict[tuple[str, float], Gap] = {}
        self._seen: dict[str, Seen] = {}
        self._returns: dict[tuple[str, str], ToReturn] = {}
        self._wanted: dict[tuple[str, str], Wanted] = {}
        # who acknowledged stays in the row, and does not stand in what comes after that
        self._alerts: dict[tuple[int, bool], Alert] = {}
        self._pages: dict[tuple[int, int], Page] = {}
        self._silences: dict[int, Silence] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._records)

    def __bool__(self) -> bool:
        return bool(
            self._records
            or self._facts
            or self._open_calls
            or self._gaps
            or self._seen
            or self._returns
            or self._wanted
            or self._alerts
            or self._pages
            or self._silences
        )

    def calls(self) -> list[str]:
        """The calls of which a record waits, by uniqueid."""
        return sorted({uniqueid for _, uniqueid, _ in self._records})

    def add(self, changes: Changes, decided: Decided = NOTHING) -> None:
        for record in changes.records:
            self._records[record.pbx, record.uniqueid, record.ordinal] = record
        self._facts.extend(changes.facts)
        for call in changes.open_calls:
            self._open_calls[call.pbx, call.uniqueid] = call
        self.add_decided(decided)
        if len(self._records) > self._limit:
            self._shrink()

    def add_decided(self, decided: Decided) -> None:
        for entry in decided.returns:
            self._returns[entry.pbx, entry.uniqueid] = entry
        for wanted in decided.wanted:
            self._wanted[wanted.destination, wanted.draft.key] = wanted
        for alert in decided.alerts:
            self._alerts[_alert_key(alert)] = alert
        for page in decided.pages:
            self._pages[page.alert.number, page.seq] = page
        for silence in decided.silences:
            self._silences[silence.number] = silence

    def add_gap(self, gap: Gap) -> None:
        self._gaps[gap.pbx, gap.began_at] = gap

    def add_seen(self, seen: Seen) -> None:
        self._seen[seen.pbx] = seen

    def take(self) -> Batch:
        """Everything that waits, as one batch; nothing waits afterwards."""
        batch = Batch(
            tuple(self._records.values()),
            tuple(self._facts),
            tuple(self._open_calls.values()),
            tuple(self._gaps.values()),
            tuple(self._seen.values()),
            tuple(self._returns.values()),
            tuple(self._wanted.values()),
            tuple(sorted(self._alerts.values(), key=_stage)),
            tuple(self._pages.values()),
            tuple(self._silences.values()),
        )
        self._records, self._facts, self._open_calls = {}, [], {}
        self._gaps, self._seen = {}, {}
        self._returns, self._wanted = {}, {}
        self._alerts, self._pages, self._silences = {}, {}, {}
        return batch

    def give_back(self, batch: Batch) -> None:
        """The batch could not be written: it waits again, but what came meanwhile is newer."""
        self._records = _under(self._records, ((_key(r), r) for r in batch.records))
        self._facts[:0] = batch.facts
        self._open_calls = _under(
            self._open_calls, (((c.pbx, c.uniqueid), c) for c in batch.open_calls)
        )
        self._gaps = _under(self._gaps, (((g.pbx, g.began_at), g) for g in batch.gaps))
        self._seen = _under(self._seen, ((s.pbx, s) for s in batch.seen))
        self._returns = _under(self._returns, (((r.pbx, r.uniqueid), r) for r in batch.returns))
        self._wanted = _under(
            self._wanted, (((w.destination, w.draft.key), w) for w in batch.wanted)
        )
        self._alerts = _under(self._alerts, ((_alert_key(a), a) for a in batch.alerts))
        self._pages = _under(self._pages, (((p.alert.number, p.seq), p) for p in batch.pages))
        self._silences = _under(self._silences, ((s.number, s) for s in batch.silences))
        if len(self._records) > self._limit:
            self._shrink()

    def _shrink(self) -> None:
        self._facts.clear()
        dropped = set()
        for key in [key for key, record in self._records.items() if not record.open]:
            if len(self._records) <= self._limit:
                break
            del self._records[key]
            # Its saved state stays, so that a restart finds the call again and says it is lost.
            self._open_calls.pop(key[:2], None)
            self._returns.pop(key[:2], None)
            dropped.add(key[:2])
            self.dropped += 1
        self._wanted = {
            key: wanted
            for key, wanted in self._wanted.items()
            if (wanted.draft.pbx, wanted.draft.uniqueid) not in dropped
        }


def _key(record: Record) -> tuple[str, str, int]:
    return (record.pbx, record.uniqueid, record.ordinal)


def _alert_key(alert: Alert) -> tuple[int, bool]:
    return alert.number, isinstance(alert.state, Acknowledged)


def _stage(alert: Alert) -> int:
    """An alert only goes on; what it was before is written before."""
    return _STAGES.index(type(alert.state))


def _under(newer: dict[_K, _V], older: Iterable[tuple[_K, _V]]) -> dict[_K, _V]:
    return dict(older) | newer
