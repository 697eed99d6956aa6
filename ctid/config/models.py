"""The shape of the configuration: one class per table of the file.

The words of docs/configuration.md; a test holds the two together.
"""

import zoneinfo
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from ctid.config.address import split_address
from ctid.config.problems import did_you_mean
from ctid.config.secret import Secret
from ctid.domain import lines as domain
from ctid.domain.duty import Duty, Shift, parse_shift
from ctid.domain.kpi import Rules
from ctid.domain.patterns import Pattern, parse
from ctid.domain.tally import Desk

RESULT = Field(default=None, exclude=True)  # filled in while loading, not a key of the file


class _Table(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True
    )


def _no_text(what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be a text in quotes, such as {what}")  # noqa: TRY004 - pydantic
        return value

    return check


def _pattern(value: Any) -> Pattern:
    return parse(_no_text('"_80XX"')(value))


def _shift(value: Any) -> Shift:
    return parse_shift(_no_text('"mon-sat 08:00-16:00"')(value))


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(value, zoneinfo.available_timezones())
        raise ValueError(
            f"`{value}` is no time zone: {hint or 'write one such as `Asia/Shanghai`'}"
        ) from None
    return value


def _endpoint(value: str) -> str:
    kind, slash, name = value.partition("/")
    if not (kind and slash and name):
        raise ValueError(f"`{value}` is no endpoint: write technology and name, `PJSIP/trunk`")
    if domain.endpoint(value) != value:
        raise ValueError(
            f"`{value}` is a channel, which lasts one call: write `{domain.endpoint(value)}`"
        )
    return value


def _host(value: str) -> str:
    if any(char in value for char in " /@") or value.count(":") == 1:
        raise ValueError("is a host name or an address alone: the port has its own key `port`")
    return value


def _username(value: str) -> str:
    if not value.isprintable() or any(char.isspace() for char in value):
        raise ValueError("may hold neither blanks nor control characters")
    return value


def _store_url(value: str) -> str:
    scheme, mark, rest = value.partition("://")
    if not mark:
        return value
    if scheme not in ("sqlite", "postgresql"):
        raise ValueError("must begin with `sqlite://` or `postgresql://`, or be a path")
    user, at, _ = rest.partition("/")[0].rpartition("@")
    if at and ":" in user:
        raise ValueError("holds a password: take it out and put it into the file $PGPASSFILE names")
    return value


def _webhook(value: str) -> str:
    scheme, mark, rest = value.partition("://")
    if not mark or scheme not in ("http", "https") or not rest:
        raise ValueError("must be an address that begins with `http://` or `https://`")
    if "@" in rest.partition("/")[0]:
        raise ValueError("holds a user or a password, which log lines would show: take it out")
    return value


def _listen(value: str) -> str:
    if value and split_address(value) is None:
        raise ValueError(
            "must be an address and a port, `127.0.0.1:9810` or `[::1]:9810`; empty for none"
        )
    return value


def _not_empty(value: tuple[Shift, ...]) -> tuple[Shift, ...]:
    if not value:
        raise ValueError("is an empty list: leave the key out for round the clock")
    return value


Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
PatternText = Annotated[Pattern, PlainValidator(_pattern)]
ShiftText = Annotated[Shift, PlainValidator(_shift)]
Zone = Annotated[str, AfterValidator(_zone)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Store(_Table):
    """Where the records are kept."""

    url: Annotated[Text, AfterValidator(_store_url)] = "sqlite:////var/lib/ctid/ctid.sqlite3"
    commit_delay_ms: int = Field(default=50, ge=0, le=1000)


class Pbx(_Table):
    """One PBX to watch. `secret` is there after loading with secrets."""

    name: Name = "pbx"
    host: Annotated[Text, AfterValidator(_host)] = "127.0.0.1"
    tls: bool = False
    port: int = Field(
        default_factory=lambda values: 5039 if values.get("tls") else 5038, ge=1, le=65535
    )
    username: Annotated[Text, AfterValidator(_username)] = "ctid"
    secret_file: Text | None = None
    secret_credential: Text | None = None
    ca_file: Text | None = None
    server_name: Text | None = None
    plain_login: bool = False
    ping_interval_seconds: Seconds = 10.0
    ping_timeout_seconds: Seconds = 5.0
    connect_timeout_seconds: Seconds = 10.0
    reconnect_max_seconds: Seconds = 30.0
    trunks: tuple[Endpoint, ...] = ()
    inbound_contexts: tuple[Text, ...] = ()
    closed_contexts: tuple[Text, ...] = ()
    secret: Secret | None = RESULT


class LineTable(_Table):
    """One hotline, as written; `Config.lines` gives it as the domain knows it."""

    name: Name
    title: Text | None = None
    specialty: Text | None = None
    queues: tuple[Text, ...] = ()
    dids: tuple[PatternText, ...] = ()
    contexts: tuple[Text, ...] = ()
    agents: tuple[Text, ...] = ()
    duty: Annotated[tuple[ShiftText, ...], AfterValidator(_not_empty)] | None = None
    target_rate: float = Field(default=0.75, ge=0, le=1)


class Callers(_Table):
    """Callers whose calls count nowhere."""

    test: tuple[PatternText, ...] = ()
    blocked: tuple[PatternText, ...] = ()
    fax: tuple[PatternText, ...] = ()


class Alert(_Table):
    """Where to say that the records cannot be written; without it only log and health tell."""

    webhook: Annotated[Text, AfterValidator(_webhook)] | None = None


class Metrics(_Table):
    """Where Prometheus and health checks ask. `token` is there after loading with secrets."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:9810"
    token_file: Text | None = None
    token_credential: Text | None = None
    tls_cert: Text | None = None
    tls_key: Text | None = None
    client_ca: Text | None = None
    token: Secret | None = RESULT

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None: not at all."""
        return split_address(self.listen)


class Control(_Table):
    """The socket over which `ctid status` and others talk to the daemon."""

    socket: Text | None = None


class Figures(_Table):
    """What the figures are computed with."""

    service_level_seconds: Seconds = 20.0
    short_abandon_seconds: Seconds = 5.0


class Log(_Table):
    """How numbers of callers stand in the log."""

    numbers: Literal["masked", "full"] = "masked"


class Retention(_Table):
    """How long records are kept; without a number, for ever."""

    records_days: int = Field(default=0, ge=0, le=36500)


class Config(_Table):
    """A whole configuration.

    `warnings` are lines for the operator about what works but should not stay so.
    """

    timezone: Zone = "UTC"
    store: Store = Store()
    pbx: tuple[Pbx, ...] = ()
    line: tuple[LineTable, ...] = ()
    agents: dict[str, Text] = {}
    callers: Callers = Callers()
    alert: Alert = Alert()
    metrics: Metrics = Metrics()
    control: Control = Control()
    figures: Figures = Figures()
    log: Log = Log()
    retention: Retention = Retention()
    warnings: Annotated[tuple[str, ...], BeforeValidator(tuple)] = Field(default=(), exclude=True)

    def lines(self) -> tuple[domain.Line, ...]:
        return tuple(
            domain.Line(
                name=line.name,
                title=line.title or line.name,
                specialty=line.specialty or line.name,
                queues=frozenset(line.queues),
                dids=line.dids,
                contexts=frozenset(line.contexts),
                agents=frozenset(line.agents),
                duty=None if line.duty is None else Duty(line.duty),
                zone=self.timezone,
                target_rate=line.target_rate,
            )
            for line in self.line
        )

    def desk(self) -> Desk:
        """What the figures have to know."""
        return Desk(
            zone=self.timezone,
            lines={line.name: line for line in self.lines()},
            pbxs=tuple(table.name for table in self.pbx),
            rules=Rules(self.figures.service_level_seconds, self.figures.short_abandon_seconds),
        )

    def directory(self, pbx: str) -> domain.Directory:
        """What the tracker of this PBX asks. One that is not configured has no trunks."""
        outside = next(
            (
                domain.Outside(
                    trunks=frozenset(found.trunks),
                    inbound_contexts=frozenset(found.inbound_contexts),
                    closed_contexts=frozenset(found.closed_contexts),
                )
                for found in self.pbx
                if found.name == pbx
            ),
            None,
        )
        callers = domain.Callers(self.callers.test, self.callers.blocked, self.callers.fax)
        return domain.Directory(self.lines(), self.agents, callers, outside)
