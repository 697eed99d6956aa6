"""A channel's limit, and what goes together when it is reached. Pure."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from ctid.domain.alerts import PageEvent
from ctid.store.pages import Claim, Decided, PageState

_MINUTE: Final = 60.0
_LEAST_BURST: Final = 3

OVER: Final = "it was over before"
_TAKEN: Final = "somebody had taken it before"
_OUTDATED: Final = "a later page said more"
_SAYS_MORE: Final = {
    PageEvent.WARNING: 0,
    PageEvent.FIRING: 1,
    PageEvent.REPEAT: 1,
    PageEvent.ACKNOWLEDGED: 2,
    PageEvent.RESOLVED: 3,
}

Group = tuple[Claim, ...]
"""What is sent as one message: to one address."""


class Unwanted(NamedTuple):
    """A page that nobody needs any more, and why."""

    claim: Claim
    why: str


class Bucket:
    """How many messages may begin now: `per_minute` in any minute, a part of them at once.

    What is left of the minute comes evenly, so that no page waits for its end. Times are Unix
    seconds; after the clock was set back the bucket is full.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._burst = min(per_minute, max(_LEAST_BURST, per_minute // 4))
        self._tokens = float(self._burst)
        self._at = float("-inf")
        self._begun: deque[float] = deque(maxlen=per_minute)

    def available(self, now: float) -> int:
        """How many may begin at this moment."""
        if now < self._at:
            self._tokens = float(self._burst)
            self._begun.clear()
        elif self._at > float("-inf"):
            self._tokens += (now - self._at) * self._per_minute / _MINUTE
        self._tokens = min(self._tokens, float(self._burst))
        self._at = now
        while self._begun and self._begun[0] <= now - _MINUTE:
            self._begun.popleft()
        return min(int(self._tokens + 1e-6), self._per_minute - len(self._begun))

    def take(self, messages: int) -> None:
        """So many begin, at the time that was last asked about."""
        self._tokens -= messages
        self._begun.extend([self._at] * messages)

    def next_at(self) -> float:
        """When one more may begin, as things are at the time that was last asked about."""
        missing = max(0.0, 1.0 - self._tokens) * _MINUTE / self._per_minute
        full = len(self._begun) >= self._per_minute
        return max(self._at + missing, self._begun[0] + _MINUTE if full else self._at)


def fold(claims: Sequence[Claim], messages: int) -> tuple[list[Group], list[Claim]]:
    """Make at most so many messages of pages, the longest due first; give what is left over, too.

    Each page is a message of its own as far as that goes. Those behind would have to wait: they
    go at once instead, all for one address in one digest.
    """
    if len(claims) <= messages:
        return [(claim,) for claim in claims], []
    for alone in reversed(range(messages)):
        digests = _by_address(claims[alone:])
        if alone + len(digests) <= messages:
            return [*((claim,) for claim in claims[:alone]), *digests], []
    digests = _by_address(claims)
    return digests[:messages], [claim for group in digests[messages:] for claim in group]


def _by_address(claims: Sequence[Claim]) -> list[Group]:
    groups: dict[str | None, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.address, []).append(claim)
    return [tuple(group) for group in groups.values()]


def superseded(claims: Iterable[Claim], decided: Iterable[Decided]) -> list[Unwanted]:
    """Give the pages that would tell somebody what holds no more.

    `decided` are all pages about these alerts. Of several to one person the later one says how it
    stands; of two that say the same (it fires, it still does) once it has arrived, so that somebody
    who is hard to reach is not kept from all of them.
    """
    later: dict[tuple[int, str], list[Decided]] = {}
    for page in decided:
        later.setdefault((page.alert, page.recipient), []).append(page)
    found: list[Unwanted] = []
    for claim in claims:
        events = [
            page.event
            for page in later.get((claim.alert, claim.recipient), ())
            if page.seq > claim.seq and _says_more(page, claim)
        ]
        if events:
            found.append(Unwanted(claim, _why(max(events, key=_SAYS_MORE.__getitem__))))
    return found


def _says_more(page: Decided, claim: Claim) -> bool:
    more = _SAYS_MORE[page.event] - _SAYS_MORE[claim.event]
    return more > 0 or (more == 0 and page.state is PageState.DELIVERED)


def _why(event: PageEvent) -> str:
    match event:
        case PageEvent.RESOLVED:
            return OVER
        case PageEvent.ACKNOWLEDGED:
            return _TAKEN
        case _:
            return _OUTDATED


def over_before_sent(
    claims: Sequence[Claim], messages: int, told: Collection[tuple[int, str]]
) -> list[Unwanted]:
    """Give the pages that nobody needs any more, of those that the limit made wait.

    Where somebody waits to be told that something is wrong and that it is over, and has not been
    told of it at all (`told`: alert and recipient), neither is worth a message.
    """
    if len(claims) <= messages:
        return []
    by_person: dict[tuple[int, str], list[Claim]] = {}
    for claim in claims:
        by_person.setdefault((claim.alert, claim.recipient), []).append(claim)
    return [
        Unwanted(claim, OVER)
        for person, waiting in by_person.items()
        if person not in told
        and len(waiting) > 1
        and any(each.event is PageEvent.RESOLVED for each in waiting)
        and not any(each.attempts or each.tried for each in waiting)
        for claim in waiting
    ]
