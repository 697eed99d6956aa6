"""The lines, agents and numbers that the configuration names, and how a call is recognised by them.

A Directory is what one PBX's tracker asks: nothing in it changes, and every answer about a call is
a look into a table or a bounded cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ctid.domain.duty import Duty
from ctid.domain.patterns import Pattern
from ctid.domain.records import Reason

# where nothing is configured: the contexts that FreePBX and the samples let the outside into
INBOUND_PREFIXES = ("from-trunk", "from-pstn", "from-external")

# Callers choose numbers, so what is remembered about them has a limit.
_CACHED_NUMBERS = 4096

_SERIAL_DIGITS = 8  # of the number at the end of a channel's name


@dataclass(frozen=True, slots=True)
class Line:
    """One hotline.

    `agents` are interfaces or names of agents that answer it beside its queues' members. `duty`
    None is round the clock, in time zone `zone`. `target_rate` is between 0 and 1.
    """

    name: str
    title: str
    specialty: str
    queues: frozenset[str]
    dids: tuple[Pattern, ...]
    contexts: frozenset[str]
    agents: frozenset[str]
    duty: Duty | None
    zone: str
    target_rate: float


@dataclass(frozen=True, slots=True)
class Callers:
    """Callers whose calls count nowhere, by number."""

    test: tuple[Pattern, ...] = ()
    blocked: tuple[Pattern, ...] = ()
    fax: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the outside world stands on one PBX: endpoints (`PJSIP/trunk`) and contexts.

    Empty `inbound_contexts` means those that begin with INBOUND_PREFIXES.
    """

    trunks: frozenset[str] = field(default=frozenset())
    inbound_contexts: frozenset[str] = field(default=frozenset())
    closed_contexts: frozenset[str] = field(default=frozenset())


class Directory:
    """What is configured about one PBX, ready to be asked once per call.

    `agents` maps an interface or number to a name. The lines must not overlap; where they do, the
    first one that is named wins.
    """

    def __init__(
        self,
        lines: Sequence[Line] = (),
        agents: Mapping[str, str] | None = None,
        callers: Callers | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.lines = tuple(lines)
        self._agents = dict(agents or {})
        self._callers = callers or Callers()
        self._outside = outside or Outside()
        self._by_name = {line.name: line for line in self.lines}
        self._by_queue = {queue: line for line in reversed(self.lines) for queue in line.queues}
        self._by_context = {name: line for line in reversed(self.lines) for name in line.contexts}
        # most specific first, so that the first match is the one
        self._dids = sorted(
            ((pattern, line) for line in self.lines for pattern in line.dids),
            key=lambda pair: pair[0].order(),
        )
        self.line_of_did = lru_cache(_CACHED_NUMBERS)(self._line_of_did)
        self.exclusion = lru_cache(_CACHED_NUMBERS)(self._exclusion)

    def line(self, name: str) -> Line | None:
        return self._by_name.get(name)

    def line_of_queue(self, queue: str) -> Line | None:
        return self._by_queue.get(queue)

    def line_of_context(self, context: str) -> Line | None:
        return self._by_context.get(context)

    def agent_name(self, interface_or_number: str) -> str | None:
        """The name configured for exactly this interface or number."""
        return self._agents.get(interface_or_number)

    def is_trunk(self, channel_name: str) -> bool:
        """Whether the channel belongs to an endpoint behind which the outside is."""
        return endpoint(channel_name) in self._outside.trunks

    def is_inbound_context(self, context: str) -> bool:
        """Whether calls from outside arrive in this context."""
        if self._outside.inbound_contexts:
            return context in self._outside.inbound_contexts
        return context.startswith(INBOUND_PREFIXES)

    def is_closed_context(self, context: str) -> bool:
        """Whether callers hear in this context that the desk is closed."""
        return context in self._outside.closed_contexts

    def _line_of_did(self, number: str) -> Line | None:
        return next((line for pattern, line in self._dids if pattern.matches(number)), None)

    def _exclusion(self, number: str) -> Reason | None:
        for reason, patterns in (
            (Reason.TEST, self._callers.test),
            (Reason.BLOCKED, self._callers.blocked),
            (Reason.FAX, self._callers.fax),
        ):
            if any(pattern.matches(number) for pattern in patterns):
                return reason
        return None


def endpoint(channel_name: str) -> str:
    """The endpoint of a channel: `PJSIP/trunk` of `PJSIP/trunk-0000002c`."""
    name = channel_name
    if name[-2:-1] == ";":
        name = name[:-2]
    head, dash, number = name.rpartition("-")
    return head if dash and _is_serial(number) else name


def member_phone(interface: str) -> str:
    """The phone of a queue member: its endpoint, or only its extension where that is all one sees.

    FreePBX names members `Local/101@from-queue/n`, with the state of `hint:101@ext-local`.
    """
    for prefix in ("hint:", "Local/"):
        if interface.startswith(prefix):
            return interface.removeprefix(prefix).partition("@")[0]
    return interface


def member_names(endpoint: str) -> set[str]:
    """What `member_phone` may give for the phone behind this endpoint."""
    return {endpoint, endpoint.partition("/")[2]} - {""}


def _is_serial(text: str) -> bool:
    return len(text) == _SERIAL_DIGITS and not text.strip("0123456789abcdef")
