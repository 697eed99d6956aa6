"""What a change of a call leads to: who has to be called back, and which ticket says what.

Pure; the only owner of `Returns`. What it decides depends on the records and on what it was given
at the start, so a record that comes again changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, NamedTuple
from urllib.parse import quote

from ctid.domain.alerts import Alert, Page, Silence
from ctid.domain.drafts import (
    AttemptPart,
    Caller,
    Contact,
    Draft,
    LineName,
    Priority,
    ReturnPart,
    Stage,
    TransferPart,
    VisitPart,
)
from ctid.domain.forgetting import Number, draft_without, entry_without
from ctid.domain.records import Direction, Outcome, Record
from ctid.domain.returns import Miss, Returns, ToReturn

_URGENT_MISSES: Final = 3
_DRAFTS_KEPT: Final = 10_000
"""Some 30 MB. Who waits for longer than so many others is reached without a word in the ticket."""


@dataclass(frozen=True, slots=True)
class LineRules:
    """One line: how tickets call it, and which calls make one (`answered`, `missed` ...)."""

    name: LineName
    tickets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator chose about tickets.

    `destinations` are the ticket systems by name, each with the lines it takes, empty for all.
    `link` holds `{pbx}` and `{uniqueid}`. `contact` knows people by number in E.164, `excluded`
    those who count nowhere by number as it arrived.
    """

    site: str = "ctid"
    destinations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lines: Mapping[str, LineRules] = field(default_factory=dict)
    at_answer: bool = True
    fold_seconds: float = 14_400.0
    link: str | None = None
    contact: Callable[[str], Contact | None] = lambda _: None
    excluded: Callable[[str], bool] = lambda _: False


class Wanted(NamedTuple):
    """A draft that a destination has to have. Key: (destination, draft.key).

    `at` is when that was decided (Unix seconds, the daemon's clock).
    """

    destination: str
    draft: Draft
    at: float


class Decided(NamedTuple):
    """What has to be written beside the records it follows from."""

    returns: tuple[ToReturn, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    alerts: tuple[Alert, ...] = ()
    pages: tuple[Page, ...] = ()
    silences: tuple[Silence, ...] = ()


NOTHING: Final = Decided()


class Policy:
    """Follows the records of all PBXs, those of a call together and in order."""

    def __init__(
        self, rules: Rules, returns: Returns, normalize: Callable[[str], str | None]
    ) -> None:
        self._rules = rules
        self._returns = returns
        self._normalize = normalize
        # drafts of callers who were missed and not reached yet: a later call changes them
        self._open: dict[str, Draft] = {}
        # what the ticket of a call that goes on was last decided from
        self._talking: dict[tuple[str, str], tuple[int, ...]] = {}

    def use(self, rules: Rules, returns: Returns, normalize: Callable[[str], str | None]) -> None:
        """Go on by another configuration; what is open stays open."""
        returns.restore(self._returns.open_entries(), self._returns.calls_under_way())
        self._rules, self._returns, self._normalize = rules, returns, normalize

    def restore(
        self, entries: Iterable[ToReturn], drafts: Iterable[Draft], calls: Iterable[Record] = ()
    ) -> None:
        """Take up the open entries of the last run, and the drafts that are about them.

        `calls` are those that agents had placed and that went on when it ended.
        """
        self._returns.restore(entries, calls)
        # of an anonymous caller nothing comes that would change it
        self._open.update((draft.key, draft) for draft in drafts if draft.caller.e164 is not None)

    def keys_to_return(self, entries: Iterable[ToReturn]) -> list[str]:
        """The drafts that are about entries, which may yet change; the oldest first."""
        firsts = [
            misses[0]
            for entry in entries
            if entry.number is not None
            for misses in _groups(entry.misses, self._rules.fold_seconds)
        ]
        newest = sorted(firsts, key=lambda miss: miss.at)[-_DRAFTS_KEPT:]
        return [self._key(miss) for miss in newest]

    def close(
        self, entry: ToReturn, drafts: Iterable[Draft], at: float, by: str, why: str
    ) -> Decided:
        """Somebody says that this caller has not to be called.

        `drafts` are those about this entry that are on disk: not all are held here.
        """
        for draft in drafts:
            self._open.setdefault(draft.key, draft)
        closed = self._returns.close(entry, at, by, why)
        return Decided((closed,), tuple(self._settled(closed, at)))

    def forget(self, number: Number, at: float) -> Decided:
        """Know a number no more; nobody has to call its caller back, and their tickets say so."""
        self._open = {key: draft_without(draft, number) for key, draft in self._open.items()}
        closed = self._returns.change(lambda entry: entry_without(entry, number, at))
        wanted = [wanted for entry in closed for wanted in self._settled(entry, at)]
        return Decided(tuple(closed), tuple(wanted))

    def drop(self, before: float) -> None:
        """Know no more of who was missed before this time: nobody is told of them again."""
        self._returns.drop(before)
        self._open = {
            key: draft
            for key, draft in self._open.items()
            if not draft.attempts or draft.attempts[0].at >= before
        }

    def receive(self, records: Sequence[Record], now: float) -> Decided:
        """Decide about records as they were drained."""
        if not records:
            return NOTHING
        changed = self._returns.receive(records)
        wanted: list[Wanted] = []
        if self._rules.destinations:
            entries = {miss[:2]: entry for entry in changed for miss in entry.misses}
            for call, visits in groupby(records, lambda record: (record.pbx, record.uniqueid)):
                draft = self._draft(list(visits), entries.get(call))
                if draft is not None:
                    wanted += self._to(draft, now)
            for entry in changed:
                if not entry.is_open:
                    wanted += self._settled(entry, now)
        if not changed and not wanted:
            return NOTHING
        return Decided(tuple(changed), tuple(wanted))

    def next_timer(self, pbx: str) -> float | None:
        """When `handle_timer` has something to do, by the clock of this PBX."""
        return self._returns.next_timer(pbx)

    def handle_timer(self, pbx: str, pbx_now: float, now: float) -> Decided:
        """Decide about calls that go on; as `Returns.handle_timer` has it. `now` is our clock's."""
        changed = self._returns.handle_timer(pbx, pbx_now)
        if not changed:
            return NOTHING
        wanted = [wanted for entry in changed for wanted in self._settled(entry, now)]
        return Decided(tuple(changed), tuple(wanted))

    def _to(self, draft: Draft, now: float) -> Iterable[Wanted]:
        for name, lines in self._rules.destinations.items():
            if not lines or draft.line.name in lines:
                yield Wanted(name, draft, now)

    def _settled(self, entry: ToReturn, now: float) -> Iterable[Wanted]:
        """The tickets of a caller who was reached say so, and are not touched again."""
        for misses in _groups(entry.misses, self._rules.fold_seconds):
            draft = self._open.pop(self._key(misses[0]), None)
            if draft is not None:
                settled = replace(draft, stage=Stage.RETURNED, call_back=_return_part(entry))
                yield from self._to(settled, now)

    def _draft(self, visits: Sequence[Record], entry: ToReturn | None) -> Draft | None:
        call = visits[0]
        if call.line is None:
            return None
        answered = [visit for visit in visits if _is_answered(visit)]
        if call.open:
            return self._talk(visits, answered[0]) if answered else None
        told = self._talking.pop((call.pbx, call.uniqueid), None)
        if told is not None and not answered:
            # it counts nowhere, as it turns out; but it has a ticket, which is not left half done
            answered = [visit for visit in visits if visit.answered_at is not None]
        if answered:
            return self._whole(visits, answered[0], "answered", Stage.ENDED)
        if entry is not None:
            return self._missed(visits, entry)
        lost = [visit for visit in visits if visit.outcome is Outcome.LOST and visit.offered_at]
        return self._whole(visits, lost[-1], "lost", Stage.ENDED) if lost else None

    def _talk(self, visits: Sequence[Record], visit: Record) -> Draft | None:
        call = (visit.pbx, visit.uniqueid)
        told = tuple(each.ordinal for each in visits if _is_answered(each))
        if not self._rules.at_answer or self._talking.get(call) == told:
            return None
        # who counts nowhere is only said at the end: of an extension that may be the line's own
        # agent it is not known before
        if visit.direction is Direction.INTERNAL or self._rules.excluded(visit.caller_number or ""):
            return None
        self._talking[call] = told
        return self._whole(visits, visit, "answered", Stage.TALKING)

    def _missed(self, visits: Sequence[Record], entry: ToReturn) -> Draft | None:
        mine = (visits[0].pbx, visits[0].uniqueid)
        misses = next(
            group
            for group in _groups(entry.misses, self._rules.fold_seconds)
            if mine in [miss[:2] for miss in group]
        )
        last = misses[-1]
        if last[:2] != mine:
            return None  # an older call once more; the ticket is about the last one
        kind = "after_hours" if last.outcome is Outcome.NOT_OFFERED else "missed"
        visit = next(v for v in reversed(visits) if v.line == entry.line)
        draft = self._whole(visits, visit, kind, Stage.TO_RETURN)
        if draft is None:
            return None
        draft = replace(
            draft,
            key=self._key(misses[0]),
            attempts=tuple(AttemptPart(*miss) for miss in misses),
            call_back=_return_part(entry),
            due_at=entry.due_at,
            priority=_priority(draft.caller.contact, len(entry.misses)),
        )
        if entry.number is not None:
            self._open[draft.key] = draft
            if len(self._open) > _DRAFTS_KEPT:
                del self._open[next(iter(self._open))]
        return draft

    def _key(self, call: Miss | Record) -> str:
        return f"ctid:{self._rules.site}:{call.pbx}:{call.uniqueid}"

    def _whole(
        self, visits: Sequence[Record], about: Record, kind: str, stage: Stage
    ) -> Draft | None:
        """The draft of a call, about its visit to one line; None: that makes no ticket."""
        line = self._rules.lines.get(about.line or "")
        if line is None or kind not in line.tickets:
            return None
        call = visits[0]
        number = call.caller_number
        e164 = self._normalize(number) if number else None
        contact = self._rules.contact(e164) if e164 else None
        talking = stage is Stage.TALKING
        return Draft(
            key=self._key(call),
            site=self._rules.site,
            stage=stage,
            pbx=call.pbx,
            uniqueid=call.uniqueid,
            linkedid=call.linkedid,
            direction=call.direction,
            did=call.did,
            line=line.name,
            caller=Caller(number, e164, call.caller_name, contact),
            outcome=about.outcome,
            reason=about.reason,
            started_at=call.started_at,
            answered_at=about.answered_at,
            ended_at=None if talking else max(v.ended_at or 0.0 for v in visits) or None,
            agent=about.agent,
            visits=tuple(_visit_part(visit, talking=talking) for visit in visits if visit.line),
            transfers=()
            if talking
            else tuple(TransferPart(t.kind, t.by, t.to, t.at) for t in visits[-1].transfers),
            attempts=(),
            call_back=None,
            recording=next((v.recording for v in reversed(visits) if v.recording), None),
            link=self._link(call),
            priority=_priority(contact, 0),
            due_at=None,
        )

    def _link(self, call: Record) -> str | None:
        if self._rules.link is None:
            return None
        link = self._rules.link.replace("{pbx}", quote(call.pbx, safe=""))
        return link.replace("{uniqueid}", quote(call.uniqueid, safe=""))


def _is_answered(visit: Record) -> bool:
    """Whether it was answered, as far as is known while the call goes on.

    At its end an answer may be known without its time: the caller was found talking after a gap.
    """
    if visit.outcome is None:
        return visit.answered_at is not None
    return visit.outcome is Outcome.ANSWERED


def _groups(misses: Sequence[Miss], fold_seconds: float) -> list[list[Miss]]:
    """Those that are one ticket: not later after the first of them than `fold_seconds`."""
    groups: list[list[Miss]] = []
    for miss in misses:
        if groups and miss.at - groups[-1][0].at <= fold_seconds and fold_seconds > 0:
            groups[-1].append(miss)
        else:
            groups.append([miss])
    return groups


def _priority(contact: Contact | None, misses: int) -> Priority:
    """Urgent: a VIP who was missed, or who was missed three times. Important: VIP, or missed."""
    vip = contact is not None and contact.vip
    if misses >= _URGENT_MISSES or (vip and misses):
        return Priority.URGENT
    return Priority.IMPORTANT if vip or misses else Priority.NORMAL


def _return_part(entry: ToReturn) -> ReturnPart:
    return ReturnPart(
        entry.state,
        entry.due_at,
        entry.attempted_at,
        entry.settled_at,
        entry.settled_by,
        entry.why,
    )


def _visit_part(visit: Record, *, talking: bool) -> VisitPart:
    """One visit. While the call goes on what still grows is left out: it would be old at once."""
    return VisitPart(
        line=visit.line or "",
        outcome=visit.outcome,
        reason=visit.reason,
        offered_at=visit.offered_at,
        answered_at=visit.answered_at,
        ended_at=None if talking else visit.ended_at,
        wait_seconds=visit.wait_seconds,
        ring_seconds=visit.ring_seconds,
        talk_seconds=None if talking else visit.talk_seconds,
        hold_seconds=None if talking else visit.hold_seconds,
        ended_by=None if talking else visit.ended_by,
        agent=visit.agent,
        final_agent=None if talking else visit.final_agent,
        agents_rung=visit.agents_rung,
        transferred=visit.transferred,
    )
