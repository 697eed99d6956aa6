"""How the daemon is now: one look at all its parts, for metrics, health, status and watchdog."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ctid import __version__
from ctid.ami.connection import Connection, State
from ctid.config import Config
from ctid.domain.calls import Call
from ctid.domain.stages import stage
from ctid.outbound.deliveries import Deliveries
from ctid.outbound.loads import File, Load
from ctid.outbound.pages.deliveries import PageDeliveries
from ctid.outbound.reading import (
    ALERT_STATES,
    AlertReading,
    LineReading,
    PageReading,
    PbxReading,
    Rates,
    Reading,
    StoreReading,
    TicketReading,
)
from ctid.outbound.tally import Tally
from ctid.output import iso
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline, Sight
from ctid.store.address import database_at
from ctid.store.outbox import OutboxState
from ctid.store.pages import PageState
from ctid.store.waiting import Backlog

# Without progress for so long a part is stuck: a commit waits 5 s for a lock, a tick comes 4 times
# a second. A reader may be silent for the time of a ping besides.
STUCK_SECONDS = 30.0


def no_rates() -> Rates:
    """Nobody computes answer rates."""
    return {}


def no_tickets() -> TicketReading:
    """Nobody delivers tickets."""
    return TicketReading({}, None)


def no_alerts() -> AlertReading:
    """Nobody watches."""
    return AlertReading({}, {}, 0)


def no_pages() -> PageReading:
    """Nobody delivers pages."""
    return PageReading({}, None)


@dataclass(frozen=True, slots=True)
class Beside:
    """What others know: answer rates, deliveries, what is wrong, heartbeats, files.

    What is called is called at every scrape, so it only hands out what was computed before.
    """

    rates: Callable[[], Rates] = no_rates
    tickets: Callable[[], TicketReading] = no_tickets
    alerts: Callable[[], AlertReading] = no_alerts
    pages: Callable[[], PageReading] = no_pages
    heartbeats: Callable[[], Mapping[str, int]] = dict
    loads: Callable[[], Mapping[File, Load]] = dict


NOTHING_BESIDE: Final = Beside()


class Overview:
    """Looks and changes nothing but `config`, which a reload replaces, and `backup_at`."""

    def __init__(
        self,
        config: Config,
        pipeline: Pipeline,
        pbxs: Pbxs,
        tally: Tally,
        *,
        beside: Beside = NOTHING_BESIDE,
        stuck_seconds: float = STUCK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.backup_at: float | None = None
        self._pipeline = pipeline
        self._pbxs = pbxs
        self._tally = tally
        self._beside = beside
        self._stuck_seconds = stuck_seconds
        self._monotonic = monotonic
        self._began = monotonic()
        self._path = database_at(config.store.url).path

    # -- health -----------------------------------------------------------------------------------

    def stuck(self) -> list[str]:
        """One line for each part that makes no progress: only a restart helps."""
        now = self._monotonic()
        found = []
        since = self._pipeline.committer.committing_since
        if since is not None and now - since > self._stuck_seconds:
            found.append(f"store: a commit has been running for {now - since:.0f} s")
        stood = now - self._pipeline.ticked_at
        if stood > self._stuck_seconds:
            found.append(f"timers: stood still for {stood:.0f} s")
        for name, connection in self._pbxs.connections.items():
            settings = self._pbxs.settings[name]
            allowed = settings.ping_interval_seconds + settings.ping_timeout_seconds
            alive_at = connection.alive_at
            if alive_at is not None and now - alive_at > allowed + self._stuck_seconds:
                found.append(f"reader of {name}: took nothing for {now - alive_at:.0f} s")
        return found

    def troubles(self) -> list[str]:
        """What stands in /healthz: whatever is stuck, and a store that cannot be written."""
        error = self._pipeline.committer.health.store_error
        return [*self.stuck(), *([f"store: {error}"] if error else [])]

    def waited_for(self) -> list[str]:
        """The PBXs that have neither been attached nor failed yet."""
        return [
            f"{name}: {connection.state}"
            for name, connection in self._pbxs.connections.items()
            if not (connection.counts.attached or connection.counts.ends)
        ]

    def summary(self) -> str:
        """A few words for `systemctl status`."""
        error = self._pipeline.committer.health.store_error
        if error:
            return f"cannot write: {error}"
        words = []
        for name, connection in self._pbxs.connections.items():
            failure = connection.failure
            state = "attached" if connection.state is State.ATTACHED else "not attached"
            why = f" ({failure.why})" if failure and connection.state is not State.ATTACHED else ""
            words.append(f"{name} {state}{why}")
        return "; ".join(words)

    # -- metrics ----------------------------------------------------------------------------------

    def read(self) -> Reading:
        """All numbers of this moment."""
        sights = self._pipeline.sights()
        names = {line.name for line in self.config.line}
        stages: dict[tuple[str, str], int] = {}
        for _, call, where in _standing(sights):
            line = call.visit.line
            key = (line if line in names else "", where)
            stages[key] = stages.get(key, 0) + 1
        return Reading(
            version=__version__,
            lines={
                line.name: LineReading(
                    line.title or line.name, line.specialty or line.name, line.target_rate
                )
                for line in self.config.line
            },
            pbxs={
                name: _pbx(connection, sights[name])
                for name, connection in self._pbxs.connections.items()
            },
            heartbeats=self._beside.heartbeats(),
            loads=self._beside.loads(),
            stages=stages,
            store=StoreReading(
                failing=self._pipeline.committer.health.store_error is not None,
                commits=self._pipeline.committer.commits,
                waiting=self._pipeline.committer.waiting,
                dropped=self._pipeline.committer.dropped_records,
                set_aside=self._pipeline.poisonous_events,
                refused=self._pipeline.committer.refused_rows,
                path=self._path,
            ),
            counts=self._tally.counts.copy(),
            rates=self._beside.rates(),
            tickets=self._beside.tickets(),
            alerts=self._beside.alerts(),
            pages=self._beside.pages(),
            backup_at=self.backup_at,
        )

    # -- status -----------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The object of `ctid status --format json` (docs/operating.md); times ISO 8601, UTC."""
        sights = self._pipeline.sights()
        health = self._pipeline.committer.health
        standing = list(_standing(sights))
        alerts = self._beside.alerts()
        return {
            "version": __version__,
            "uptime_seconds": round(self._monotonic() - self._began, 3),
            "pbxs": [
                _pbx_status(name, connection, sights[name])
                for name, connection in self._pbxs.connections.items()
            ],
            "store": {
                "writable": health.store_error is None,
                "why": health.store_error,
                "failing_since": iso(health.store_failing_since),
                "waiting_records": self._pipeline.committer.waiting,
                "dropped_records": self._pipeline.committer.dropped_records,
                "commits": self._pipeline.committer.commits,
                "last_backup": iso(self.backup_at),
            },
            "stuck": self.stuck(),
            "alerts": _alert_status(alerts),
            "backends": _backend_status(self._beside.tickets()),
            "channels": _channel_status(self._beside.pages()),
            "lines": [
                {
                    **_line_status(line.name, line.title or line.name, standing),
                    "unanswered_seconds": round(alerts.unanswered.get(line.name, 0.0), 3),
                }
                for line in self.config.line
            ],
            "calls": [_call_status(pbx, call, where) for pbx, call, where in standing],
        }


_Standing = tuple[str, Call, str]


def _standing(sights: dict[str, Sight]) -> Iterator[_Standing]:
    """Every caller who is there now: PBX, call, where it stands."""
    for name, sight in sights.items():
        for call in sight.open_calls:
            where = stage(call)
            if where is not None:
                yield name, call, where.value


def _pbx(connection: Connection, sight: Sight) -> PbxReading:
    counts, decoder = connection.counts, connection.counts.decoder
    heard = sight.heard
    return PbxReading(
        state=connection.state,
        attached=sight.attached,
        attempts=counts.attempts,
        attachments=counts.attached,
        pings=counts.pings,
        ends={end.value: number for end, number in counts.ends.items()},
        events=decoder.items,
        skipped=decoder.skipped,
        anomalies={
            kind: getattr(decoder, kind) for kind in ("forged", "torn", "odd", "bad", "oversized")
        },
        last_event_at=None if heard is None else time.time() - (time.monotonic() - heard),
        gap_since=sight.gap.began_at if sight.gap else None,
    )


def _pbx_status(name: str, connection: Connection, sight: Sight) -> dict[str, Any]:
    failure = connection.failure
    return {
        "name": name,
        "state": connection.state.value,
        "since": iso(connection.attached_at),
        "why": failure.why if failure else None,
        "ami_version": connection.version,
        "gap_since": iso(sight.gap.began_at) if sight.gap else None,
        "gap_cause": sight.gap.cause.value if sight.gap else None,
    }


def _alert_status(alerts: AlertReading) -> dict[str, int]:
    states = dict.fromkeys(ALERT_STATES, 0)
    for (_, state), number in alerts.open_alerts.items():
        states[state] += number
    return {**states, "silenced": alerts.silenced}


def _channel_status(pages: PageReading) -> list[dict[str, Any]]:
    states = (PageState.PENDING, PageState.FAILED)
    return _went(pages.deliveries, pages.backlogs or {}, states)


def _backend_status(tickets: TicketReading) -> list[dict[str, Any]]:
    backlogs = tickets.waiting.backlogs if tickets.waiting else {}
    return _went(tickets.deliveries, backlogs, (OutboxState.PENDING, OutboxState.DEAD))


def _went(
    deliveries: Mapping[str, Deliveries] | Mapping[str, PageDeliveries],
    backlogs: Mapping[str, Backlog],
    states: Iterable[OutboxState | PageState],
) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "failing": None if counts.failing is None else counts.failing.value,
            "delivered": counts.delivered,
            **{
                state.value: backlogs[name].by_state.get(state, 0) if name in backlogs else 0
                for state in states
            },
        }
        for name, counts in deliveries.items()
    ]


def _line_status(name: str, title: str, standing: list[_Standing]) -> dict[str, Any]:
    here = [where for _, call, where in standing if call.visit.line == name]
    return {
        "name": name,
        "title": title,
        **{where: here.count(where) for where in ("waiting", "ringing", "talking")},
    }


def _call_status(pbx: str, call: Call, where: str) -> dict[str, Any]:
    visit = call.visit
    return {
        "pbx": pbx,
        "uniqueid": call.uniqueid,
        "direction": call.direction.value,
        "line": visit.line,
        "caller_number": call.caller_number or None,
        "stage": where,
        "agent": visit.final_agent or visit.agent,
        "started_at": iso(call.started_at),
        "offered_at": iso(visit.offered_at),
        "answered_at": iso(visit.answered_at),
    }
