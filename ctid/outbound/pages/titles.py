"""The line on a phone's lock screen: the most important word first."""

import math
from collections.abc import Mapping
from typing import Final

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    AnswerRate,
    Blind,
    CalendarEnding,
    DeliveryStuck,
    Ending,
    Incident,
    LongestWait,
    NotReloaded,
    Page,
    PageEvent,
    Resolved,
    RosterGap,
    StoreFailing,
    Test,
    Unanswered,
)
from ctid.outbound.pages import sight
from ctid.outbound.pages.tongue import Tongue, name
from ctid.outbound.wording import Language

_HEADINGS: Final[Mapping[type, tuple[str, str]]] = {
    Unanswered: ("UNANSWERED", "无人接听"),
    LongestWait: ("WAITING", "有人久等"),
    Blind: ("BLIND", "PBX 失联"),
    AnswerRate: ("LOW RATE", "接通率偏低"),
    RosterGap: ("NOBODY ON DUTY", "无人值班"),
    CalendarEnding: ("HOLIDAYS NOT KNOWN", "节假日数据将到期"),
    DeliveryStuck: ("STUCK", "投递受阻"),
    NotReloaded: ("NOT RELOADED", "更新未生效"),
    StoreFailing: ("CALLS NOT SAVED", "通话记录无法保存"),
    Incident: ("INCIDENT", "事件"),
    Test: ("TEST", "演练"),
}


_NOUNS: Final[Mapping[type, tuple[str, str]]] = {
    Unanswered: ("unanswered", "无人接听"),
    LongestWait: ("a caller waits", "有人久等"),
    Blind: ("PBX out of sight", "PBX 失联"),
    AnswerRate: ("low answer rate", "接通率偏低"),
    RosterGap: ("nobody on the roster", "无人值班"),
    CalendarEnding: ("holidays not known", "节假日数据将到期"),
    DeliveryStuck: ("deliveries stuck", "投递受阻"),
    NotReloaded: ("not reloaded", "更新未生效"),
    StoreFailing: ("calls not saved", "通话记录无法保存"),
    Test: ("test", "演练"),
}
_MAY_WAIT: Final = ("MAY BE WAITING", "可能有人久等")
_NOT_SEEN: Final = ("no answer seen", "未见有人接听")


def title(tongue: Tongue, page: Page, line: str) -> str:
    """`line` is its title, or what stands for it where there is none."""
    alert = page.alert
    if isinstance(alert.subject, Test):
        return _test(tongue, page, line)
    match page.event:
        case PageEvent.WARNING:
            return tongue.pick("WARNING, ", "预警：") + _wrong(tongue, page, line)
        case PageEvent.REPEAT:
            return tongue.pick("STILL ", "仍未处理：") + _wrong(tongue, page, line)
        case PageEvent.ACKNOWLEDGED:
            by, was = _by(alert), noun(tongue, page)
            return tongue.pick(
                f"TAKEN by {by}: {line}, {was}",
                f"{tongue.spaced(by)}已接手：{tongue.spaced(line)}{was}",
            )
        case PageEvent.RESOLVED:
            return _resolved(tongue, page, line)
        case PageEvent.FIRING:
            return _wrong(tongue, page, line)


def noun(tongue: Tongue, page: Page) -> str:
    """What is wrong, in a word or two, for a sentence."""
    subject = page.alert.subject
    if isinstance(subject, Incident):
        return name(subject.title)
    if isinstance(subject, Unanswered) and not sight.saw_all(page):
        return tongue.pick(*_NOT_SEEN)
    return tongue.pick(*_NOUNS[type(subject)])


def heading(tongue: Tongue, page: Page) -> str:
    """The same as the first words of a title, which are for the eye."""
    if isinstance(page.alert.subject, Unanswered) and not sight.saw_all(page):
        english, chinese = _NOT_SEEN
        return tongue.pick(english.upper(), chinese)
    subject = page.alert.subject
    if isinstance(subject, LongestWait) and sight.lost_at(subject) is not None:
        return tongue.pick(*_MAY_WAIT)
    return tongue.pick(*_HEADINGS[type(page.alert.subject)])


def test_mark(language: Language) -> str:
    """What the title of every test begins with."""
    return "[TEST] " if language == "en" else "【演练】"


def rate(answer_rate: AnswerRate) -> str:
    """Cut, not rounded: 74.96 % is below 75 %."""
    if answer_rate.rung == 0:
        return "–"
    return f"{math.floor(answer_rate.answered * 1000 / answer_rate.rung) / 10:g} %"


def percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"


def _wrong(tongue: Tongue, page: Page, line: str) -> str:
    head = heading(tongue, page)
    match page.alert.subject:
        case Unanswered() as subject:
            return _unanswered(tongue, page, subject, line)
        case LongestWait(caller=caller):
            seconds = tongue.duration(page.decided_at - caller.since)
            return tongue.pick(f"{head} {seconds}: {line}, one caller", f"{head} {seconds}：{line}")
        case Blind() as subject:
            return _blind(tongue, page, subject, line)
        case AnswerRate() as subject:
            return tongue.pick(f"{head} {rate(subject)}: {line}", f"{head} {rate(subject)}：{line}")
        case RosterGap(begins_at=at):
            begins = tongue.clock(at)
            return tongue.pick(f"{head} from {begins}: {line}", f"{head} {begins} 起：{line}")
        case CalendarEnding(last_day=day):
            return tongue.pick(f"{head} after {name(day)}", f"{head}：{name(day)}")
        case DeliveryStuck(destination=to, waiting=count):
            return tongue.pick(f"{head}: {count} for {name(to)}", f"{head}：{name(to)} {count} 件")
        case NotReloaded() | StoreFailing() as subject:
            what = tongue.file(subject.file) if isinstance(subject, NotReloaded) else line
            return tongue.pick(f"{head}: {what}", f"{head}：{what}")
        case Incident(title=text):
            return tongue.pick(f"{head}: {name(text)}, {line}", f"{head}：{name(text)}，{line}")
        case Test():
            return _test(tongue, page, line)


def _unanswered(tongue: Tongue, page: Page, subject: Unanswered, line: str) -> str:
    seconds = tongue.duration(subject.seconds)
    waiting = max(subject.waiting_count, len(subject.waiting)) - subject.unseen_count
    tail = tongue.pick(f", {waiting} waiting", f"（{waiting} 人在等）") if waiting else ""
    head = heading(tongue, page)
    return tongue.pick(f"{head} {seconds}: {line}{tail}", f"{head} {seconds}：{line}{tail}")


def _blind(tongue: Tongue, page: Page, subject: Blind, line: str) -> str:
    head = heading(tongue, page)
    if page.alert.is_over:
        seconds = tongue.duration(sight.until(page.alert) - page.alert.since)
        return tongue.pick(
            f"{head} {seconds}: {line}, ctid did not run",
            f"{head} {seconds}：{line}（ctid 未运行）",
        )
    since = min((one.began_at for one in subject.pbxs), default=page.alert.since)
    seconds = tongue.duration(page.decided_at - since)
    return tongue.pick(f"{head} {seconds}: {line}, PBX not seen", f"{head} {seconds}：{line}")


def _resolved(tongue: Tongue, page: Page, line: str) -> str:
    alert = page.alert
    state, was = alert.state, noun(tongue, page)
    ending = state.ending if isinstance(state, Resolved) else Ending.RECOVERED
    if ending is Ending.ANSWERED:
        by = _by(alert)
        who = tongue.pick(f" by {by}", f"（{by}）") if by else ""
        return tongue.pick(f"ANSWERED{who}: {line}", f"已接听{who}：{line}")
    return tongue.pick(f"RESOLVED: {line} ({was})", f"已解除：{line}（{was}）")


def _test(tongue: Tongue, page: Page, line: str) -> str:
    mark = test_mark(tongue.language)
    match page.event:
        case PageEvent.RESOLVED:
            return mark + tongue.pick(f"over: {line}", f"已结束：{line}")
        case PageEvent.ACKNOWLEDGED:
            by = _by(page.alert)
            return mark + tongue.pick(
                f"taken by {by}: {line}", f"{tongue.spaced(by)}已接手：{line}"
            )
        case _:
            return mark + tongue.pick(f"nothing is wrong: {line}", f"一切正常：{line}")


def _by(alert: Alert) -> str:
    state = alert.state
    return name(state.by or "") if isinstance(state, Acknowledged | Resolved) else ""
