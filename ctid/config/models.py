"""The shape of the configuration: one class per table of the file.

The words of docs/configuration.md; a test holds the two together.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from ctid.config.alerting import Alert, EscalationStep
from ctid.config.backends import (
    Backend,
    FileBackend,
    MqttBackend,
    RedmineBackend,
    RtBackend,
    WebhookBackend,
    ZammadBackend,
)
from ctid.config.base import (
    RESULT,
    Endpoint,
    Minutes,
    Name,
    PatternText,
    Seconds,
    ShiftText,
    Table,
    Text,
    Zone,
    host_name,
    not_empty,
    store_url,
    user_name,
    web_address,
)
from ctid.config.channels import Channels
from ctid.config.heartbeat import Heartbeat
from ctid.config.holidays import NAME
from ctid.config.secret import Secret
from ctid.config.serving import Api, ApiToken, Metrics
from ctid.domain import lines as domain
from ctid.domain.calendar import Calendar
from ctid.domain.duty import Duty
from ctid.domain.kpi import Rules
from ctid.domain.numbers import Numbering, is_region
from ctid.domain.tally import Desk

TicketOutcome = Literal["answered", "missed", "after_hours", "lost"]
TICKET_OUTCOMES: tuple[TicketOutcome, ...] = ("answered", "missed", "after_hours", "lost")


def _region(value: str) -> str:
    if not is_region(value):
        raise ValueError(f"`{value}` is no region: write its two letters (ISO 3166), such as `CN`")
    return value


def _calendar(value: Any) -> bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and NAME.fullmatch(value)):
        return value
    raise ValueError(
        'must be true, false, or a country in two capital letters (ISO 3166), such as "DE" or, '
        'with a part of it, "DE-BY"'
    )


class Store(Table):
    """Where the records are kept."""

    url: Annotated[Text, AfterValidator(store_url)] = "sqlite:////var/lib/ctid/ctid.sqlite3"
    commit_delay_ms: int = Field(default=50, ge=0, le=1000)


class Pbx(Table):
    """One PBX to watch. `secret` is there after loading with secrets."""

    name: Name = "pbx"
    host: Annotated[Text, AfterValidator(host_name)] = "127.0.0.1"
    tls: bool = False
    port: int = Field(
        default_factory=lambda values: 5039 if values.get("tls") else 5038, ge=1, le=65535
    )
    username: Annotated[Text, AfterValidator(user_name)] = "ctid"
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


class LineTable(Table):
    """One hotline, as written; `Config.lines` gives it as the domain knows it.

    `days` are the holidays of `calendar` after loading, where that names a country.
    """

    name: Name
    title: Text | None = None
    specialty: Text | None = None
    queues: tuple[Text, ...] = ()
    dids: tuple[PatternText, ...] = ()
    contexts: tuple[Text, ...] = ()
    agents: tuple[Text, ...] = ()
    duty: Annotated[tuple[ShiftText, ...], AfterValidator(not_empty)] | None = None
    timezone: Zone | None = None
    calendar: Annotated[bool | str, PlainValidator(_calendar)] = True
    warning_minutes: Minutes | None = None
    limit_minutes: Minutes | None = None
    longest_wait_minutes: Minutes | None = None
    blind_minutes: Minutes | None = None
    target_rate: float = Field(default=0.75, ge=0, le=1)
    tickets: tuple[TicketOutcome, ...] = TICKET_OUTCOMES
    language: Literal["en", "zh"] | None = None
    days: Calendar | None = RESULT


class Callers(Table):
    """Callers whose calls count nowhere."""

    test: tuple[PatternText, ...] = ()
    blocked: tuple[PatternText, ...] = ()
    fax: tuple[PatternText, ...] = ()


class Control(Table):
    """The socket over which `ctid status` and others talk to the daemon."""

    socket: Text | None = None


class Figures(Table):
    """What the figures are computed with."""

    service_level_seconds: Seconds = 20.0
    short_abandon_seconds: Seconds = 5.0


class Log(Table):
    """How numbers of callers stand in the log."""

    numbers: Literal["masked", "full"] = "masked"


class Retention(Table):
    """How long records are kept; without a number, for ever."""

    records_days: int = Field(default=0, ge=0, le=36500)


class Numbers(Table):
    """Where the PBX stands in the numbering plan, to know one number by all its spellings."""

    region: Annotated[str, AfterValidator(_region)] = "CN"
    area_code: Annotated[str, Field(pattern=r"^[0-9]*$")] = ""
    outside_prefixes: tuple[Annotated[str, Field(pattern=r"^[0-9*#]+$")], ...] = ()


class Missed(Table):
    """Callers who were missed, and when they have to be called back."""

    due_minutes: int = Field(default=60, ge=1, le=10_080)
    connected_seconds: Seconds = 10.0


class Tickets(Table):
    """Ticket drafts: when they are made, and how they read."""

    create: Literal["answer", "end"] = "answer"
    language: Literal["en", "zh"] = "zh"
    fold_minutes: int = Field(default=240, ge=0, le=10_080)
    templates: Text | None = None
    link: Annotated[Text, AfterValidator(web_address)] | None = None


class Contacts(Table):
    """The contact directory: who calls from which number."""

    file: Text | None = None


class CalendarTable(Table):
    """Which days are holidays. `days` is there after loading, None where nothing is configured."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    subdivision: Text | None = None
    overrides: Text | None = None
    days: Calendar | None = RESULT


class Roster(Table):
    """Who is called when a line stays unanswered."""

    file: Text | None = None


class Config(Table):
    """A whole configuration.

    `warnings` are lines for the operator about what works but should not stay so.
    """

    timezone: Zone = "UTC"
    store: Store = Store()
    pbx: tuple[Pbx, ...] = ()
    line: tuple[LineTable, ...] = ()
    agents: dict[str, Text] = Field(default_factory=dict)
    callers: Callers = Callers()
    alert: Alert = Alert()
    escalation: tuple[EscalationStep, ...] = ()
    metrics: Metrics = Metrics()
    api: Api = Api()
    api_token: tuple[ApiToken, ...] = ()
    control: Control = Control()
    figures: Figures = Figures()
    log: Log = Log()
    retention: Retention = Retention()
    site: Name = "ctid"
    numbers: Numbers = Numbers()
    missed: Missed = Missed()
    tickets: Tickets = Tickets()
    contacts: Contacts = Contacts()
    calendar: CalendarTable = CalendarTable()
    roster: Roster = Roster()
    rt: tuple[RtBackend, ...] = ()
    redmine: tuple[RedmineBackend, ...] = ()
    zammad: tuple[ZammadBackend, ...] = ()
    webhook: tuple[WebhookBackend, ...] = ()
    mqtt: tuple[MqttBackend, ...] = ()
    file: tuple[FileBackend, ...] = ()
    channels: Channels = Channels()
    heartbeat: Heartbeat = Heartbeat()
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
                duty=None if line.duty is None else Duty(line.duty, self.days_of(line)),
                zone=line.timezone or self.timezone,
                target_rate=line.target_rate,
            )
            for line in self.line
        )

    def days_of(self, line: LineTable) -> Calendar | None:
        """Which days are holidays for this line; None: none."""
        if isinstance(line.calendar, str):
            return line.days
        return self.calendar.days if line.calendar else None

    def calendars(self) -> tuple[Calendar, ...]:
        """All that are in use, each once."""
        found = (self.calendar.days, *(self.days_of(line) for line in self.line))
        return tuple({each.name: each for each in found if each is not None}.values())

    def zones(self) -> dict[str, str]:
        """The time zone of each line."""
        return {line.name: line.timezone or self.timezone for line in self.line}

    def desk(self) -> Desk:
        """What the figures have to know."""
        return Desk(
            zone=self.timezone,
            lines={line.name: line for line in self.lines()},
            pbxs=tuple(table.name for table in self.pbx),
            rules=Rules(self.figures.service_level_seconds, self.figures.short_abandon_seconds),
        )

    def backends(self) -> tuple[Backend, ...]:
        """Where ticket drafts go, all types together; every name is there once."""
        return (*self.rt, *self.redmine, *self.zammad, *self.webhook, *self.mqtt, *self.file)

    def numbering(self) -> Numbering:
        return Numbering(self.numbers.region, self.numbers.area_code, self.numbers.outside_prefixes)

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
