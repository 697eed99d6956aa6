"""Pages of every kind, as the tests tell them: Wednesday, 25 November 2026, in Shanghai."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from ctid.domain.alerts import (
    Acknowledged,
    Advice,
    Alert,
    AnswerRate,
    Blind,
    BlindTime,
    CalendarEnding,
    Caller,
    DeliveryStuck,
    Ending,
    Firing,
    Incident,
    Kind,
    LongestWait,
    NotReloaded,
    Page,
    PageEvent,
    Recipient,
    Resolved,
    RosterGap,
    Route,
    State,
    StoreFailing,
    Subject,
    Test,
    Unanswered,
    Warned,
)
from ctid.domain.drafts import LineName
from ctid.outbound.pages.rendering import Pages
from ctid.outbound.wording import Language

ZONE = ZoneInfo("Asia/Shanghai")
KINDS = {
    Unanswered: Kind.UNANSWERED,
    LongestWait: Kind.LONGEST_WAIT,
    Blind: Kind.BLIND,
    AnswerRate: Kind.ANSWER_RATE,
    RosterGap: Kind.ROSTER_GAP,
    CalendarEnding: Kind.CALENDAR_ENDING,
    DeliveryStuck: Kind.DELIVERY_STUCK,
    NotReloaded: Kind.NOT_RELOADED,
    StoreFailing: Kind.STORE_FAILING,
    Incident: Kind.INCIDENT,
    Test: Kind.TEST,
}
WHOLE = (CalendarEnding, DeliveryStuck, NotReloaded, StoreFailing)
ADDRESS = "13700137000"
LINES: dict[Language, dict[str, LineName]] = {
    "en": {
        "network": LineName("network", "Network hotline", "infrastructure"),
        "sap": LineName("sap", "SAP hotline", "SAP"),
    },
    "zh": {
        "network": LineName("network", "网络热线", "基础设施"),
        "sap": LineName("sap", "SAP 热线", "SAP"),
    },
}


def at(time: str, day: int = 25) -> float:
    hour, minute = time.split(":")
    return datetime(2026, 11, day, int(hour), int(minute), tzinfo=ZONE).timestamp()


def later(time: str) -> float:
    """What the clock shows then."""
    return at(time) - at("10:00")


WAITING = (Caller("13800138000", at("10:00")), Caller(None, at("10:07")))
MISSED = tuple(Caller(f"1391111000{row}", at(f"10:0{row}")) for row in range(2, 9))
NOBODY = Unanswered(
    since=at("10:00"),
    seconds=900.4,
    waiting=WAITING,
    missed=MISSED,
    missed_count=7,
    last_answer_at=at("09:41"),
    last_answer_by="张三",
    advice=(Advice.NO_PHONE_REGISTERED,),
    agents=("张三", "李四"),
    waiting_count=2,
)
QUIET = replace(NOBODY, waiting=(), waiting_count=0)
CUT = BlindTime("main", at("10:02"), at("10:31"), "connection_lost")
FIRED = at("10:15")


def page(
    subject: Subject = NOBODY,
    event: PageEvent = PageEvent.FIRING,
    state: State | None = None,
    *,
    when: float = FIRED,
    number: int = 17,
    seq: int = 0,
    line: str | None = "network",
    since: float | None = None,
    down: tuple[float, float] | None = None,
    language: str | None = None,
) -> Page:
    recipient = Recipient("王五", "first_line", (Route("dingtalk", ADDRESS),), language)
    alert = Alert(
        number,
        KINDS[type(subject)],
        None if isinstance(subject, WHOLE) else line,
        None,
        at("10:00") if since is None else since,
        FIRED,
        state or Firing(FIRED, 1, at("10:20")),
        subject,
        (recipient,),
        1,
    )
    return Page(seq, alert, event, recipient, FIRED, when, down)


DOWN = (at("10:05"), at("10:20"))
SAMPLES: dict[str, Page] = {
    "firing": page(),
    "warning": page(
        replace(
            QUIET,
            seconds=600.0,
            missed=MISSED[:1],
            missed_count=1,
            advice=(Advice.ALL_PAUSED, Advice.NO_PHONE_REGISTERED),
            agents=("李四",),
        ),
        PageEvent.WARNING,
        Warned(at("10:10")),
        when=at("10:10"),
    ),
    "repeat": page(
        replace(
            NOBODY,
            seconds=later("10:45"),
            advice=(Advice.RANG_NOT_PICKED_UP, Advice.ALL_PAUSED),
        ),
        PageEvent.REPEAT,
        when=at("10:45"),
    ),
    "acknowledged": page(
        replace(QUIET, seconds=later("10:17")),
        PageEvent.ACKNOWLEDGED,
        Acknowledged(FIRED, at("10:17"), "李四", "on my way"),
        when=at("10:17"),
    ),
    "answered": page(
        QUIET,
        PageEvent.RESOLVED,
        Resolved(FIRED, at("10:20"), Ending.ANSWERED, "李四"),
        when=at("10:20"),
    ),
    "reached": page(
        replace(QUIET, missed=(), missed_count=0),
        PageEvent.RESOLVED,
        Resolved(FIRED, at("10:20"), Ending.REACHED),
        when=at("10:20"),
    ),
    "over night": page(
        replace(QUIET, since=at("17:50", 24), last_answer_at=at("17:12", 24)),
        since=at("17:50", 24),
    ),
    "after a gap": page(
        replace(QUIET, seconds=later("10:45"), blind=(CUT,), lost_count=2), when=at("10:45")
    ),
    "in a gap": page(
        replace(
            QUIET,
            blind=(BlindTime("main", at("10:02"), None, "unreachable"),),
            advice=(Advice.UNKNOWN,),
            agents=(),
        )
    ),
    "resolved after a gap": page(
        replace(QUIET, blind=(CUT,)),
        PageEvent.RESOLVED,
        Resolved(FIRED, at("10:50"), Ending.BY_PERSON, "李四", "planned work"),
        when=at("10:50"),
    ),
    "ctid was down": page(
        replace(
            QUIET,
            seconds=later("10:20"),
            blind=(BlindTime("main", at("10:05"), at("10:20"), "daemon_down"),),
            advice=(Advice.UNKNOWN,),
            agents=(),
        ),
        when=at("10:20"),
        down=DOWN,
    ),
    "longest_wait": page(LongestWait(WAITING[0], 3, (Advice.ALL_TALKING,), ("张三", "李四"))),
    "longest_wait in a gap": page(
        LongestWait(
            WAITING[0],
            3,
            (Advice.UNKNOWN,),
            blind=(BlindTime("main", at("10:13"), None, "unreachable"),),
            unseen_count=2,
        )
    ),
    "waiting in a gap": page(
        replace(
            NOBODY, blind=(BlindTime("main", at("10:13"), None, "unreachable"),), unseen_count=2
        )
    ),
    "blind": page(
        Blind((BlindTime("main", at("10:13"), None, "unreachable"),), 2), since=at("10:13")
    ),
    "blind while ctid was down": page(
        Blind((BlindTime("main", at("10:05"), at("10:20"), "daemon_down"),)),
        state=Resolved(at("10:20"), at("10:20"), Ending.RECOVERED),
        since=at("10:05"),
        when=at("10:20"),
        down=DOWN,
    ),
    "answer_rate": page(AnswerRate("day", 17, 25, 0.75)),
    "roster_gap": page(RosterGap("duty_lead", at("08:00", 28), at("16:00", 28))),
    "calendar_ending": page(CalendarEnding("CN", "2026-12-31")),
    "delivery_stuck": page(DeliveryStuck("zammad", 12, at("09:00"), "503 Service Unavailable")),
    "channel stuck": page(DeliveryStuck("siren", 3, at("09:00"), None, is_channel=True)),
    "not_reloaded": page(
        NotReloaded("roster", at("10:00"), "roster.csv:7: hours: `mo` is no day", 2, kept=True)
    ),
    "not_reloaded, nothing kept": page(
        NotReloaded("contacts", at("10:00"), "contacts.csv: holds no contact", 0, kept=False)
    ),
    "store_failing": page(StoreFailing(at("10:01"), "no space left on device", ("network", "sap"))),
    "incident": page(Incident("core switch in building 3 is dead", "赵六")),
    "test": page(Test("李四")),
    "weekly test": page(
        Test("weekly_test"), state=Resolved(FIRED, FIRED, Ending.TEST_OVER), line=None
    ),
    "test over": page(
        Test("李四"),
        PageEvent.RESOLVED,
        Resolved(FIRED, at("10:25"), Ending.TEST_OVER),
        when=at("10:25"),
    ),
}


def no_link(_page: Page) -> str | None:
    return None


def pages(
    language: Language = "en",
    *,
    link: Callable[[Page], str | None] = no_link,
    site: str = "ctid",
    zones: dict[str, ZoneInfo] | None = None,
) -> Pages:
    return Pages(site, ZONE, zones or {}, language, LINES[language], link)


def shown(name: str, language: Language) -> str:
    """Title and text of a sample."""
    message = pages(language).render([SAMPLES[name]], ADDRESS, SAMPLES[name].decided_at)
    return f"{message.title}\n{message.text}\n"
