"""What a page says below its title: what is wrong, whom it affects, what to do first."""

from collections.abc import Iterator

from ctid.domain.alerts import (
    Acknowledged,
    AnswerRate,
    Blind,
    CalendarEnding,
    DeliveryStuck,
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
    Warned,
)
from ctid.domain.records import GapCause
from ctid.outbound.pages import endings, of_ctid, sight
from ctid.outbound.pages.first_steps import first_step
from ctid.outbound.pages.sight import not_known, saw_all
from ctid.outbound.pages.titles import percent, rate
from ctid.outbound.pages.tongue import Tongue, name, words

# Waiting for duty hours is told where it is more than this, seconds.
_PAUSED = 60.0


def told(tongue: Tongue, page: Page, line: str) -> Iterator[str]:
    """The lines. `line` is its title and specialty."""
    match page.event:
        case PageEvent.RESOLVED:
            yield from endings.over(tongue, page, line)
            return
        case PageEvent.ACKNOWLEDGED:
            yield endings.taken(tongue, page)
    if isinstance(page.alert.subject, Test):
        yield _wrong(tongue, page, line)
    else:
        yield tongue.pick("Wrong: ", "问题：") + _wrong(tongue, page, line)
    yield from not_known(tongue, page)
    step = _first_step(tongue, page)
    if step and page.event is not PageEvent.ACKNOWLEDGED:
        yield tongue.pick("Do first: ", "先做：") + step
    affected = tongue.pick("; ", "；").join(_affected(tongue, page))
    if affected:
        yield tongue.pick(f"Affected: {affected}.", f"影响：{affected}。")
    if page.event is not PageEvent.ACKNOWLEDGED:
        yield from _acknowledging(tongue, page)


def _acknowledging(tongue: Tongue, page: Page) -> Iterator[str]:
    alert = page.alert
    if isinstance(alert.subject, StoreFailing):
        return  # it is not on disk: nobody can acknowledge it
    if isinstance(alert.state, Warned):
        if alert.limit_at <= tongue.now:
            return  # it was sent late
        at = tongue.clock(alert.limit_at)
        yield tongue.pick(f"At {at} it becomes an alert.", f"{at} 将成为告警。")
    elif not isinstance(alert.state, Acknowledged | Resolved):
        how = f"ctid alerts ack {alert.number}"
        yield tongue.pick(f"Acknowledge: {how}", f"确认接手：{how}")


def _wrong(tongue: Tongue, page: Page, line: str) -> str:
    match page.alert.subject:
        case Unanswered() as subject:
            return _unanswered(tongue, page, subject, line)
        case LongestWait() as subject:
            return _longest_wait(tongue, page, subject, line)
        case Blind() as subject:
            if page.alert.is_over:
                return _was_blind(tongue, page, line)
            return _blind(tongue, subject, line)
        case AnswerRate() as subject:
            period = (
                tongue.pick("today", "今天")
                if subject.period == "day"
                else tongue.pick("this month", "本月")
            )
            is_rate, target = rate(subject), percent(subject.target)
            answered, rung = subject.answered, subject.rung
            return tongue.pick(
                f"{line} answered {answered} of {rung} calls {period}: {is_rate}, target {target}.",
                f"{tongue.spaced(line)}{period}呼入 {rung} 个，接听 {answered} 个："
                f"接通率 {is_rate}，目标 {target}。",
            )
        case RosterGap() as subject:
            role = tongue.role(subject.role)
            begins = tongue.clock(subject.begins_at)
            ends = tongue.clock(subject.ends_at, subject.begins_at)
            return tongue.pick(
                f"nobody is on the roster as {role} of {line} from {begins} to {ends}.",
                f"{line} {begins} 至 {ends} 的{role}无人排班。",
            )
        case CalendarEnding() | DeliveryStuck() | NotReloaded() | StoreFailing() as subject:
            return of_ctid.wrong(tongue, subject)
        case Incident() as subject:
            what, by = words(subject.title), name(subject.by)
            on = (
                "" if page.alert.line is None else tongue.pick(f"; line: {line}", f"；热线：{line}")
            )
            return tongue.pick(f"{what}{on}; opened by {by}.", f"{what}{on}；上报人：{by}。")
        case Test() if page.alert.is_over:
            return tongue.pick(
                "Nothing is wrong. This is the weekly test of the channel. "
                "You need not do anything.",
                "一切正常。这是该通道的每周测试，您无需处理。",
            )
        case Test() as subject:
            by = name(subject.by)
            return tongue.pick(
                f"Nothing is wrong. {by} tests whether alerts of {line} reach you.",
                f"一切正常。{tongue.spaced(by)}测试{tongue.within(line)}的告警能否送达。",
            )


def _unanswered(tongue: Tongue, page: Page, subject: Unanswered, line: str) -> str:
    since, seconds = tongue.clock(subject.since), tongue.duration(subject.seconds)
    if page.decided_at - subject.since - subject.seconds > _PAUSED:
        how_long = tongue.pick(f"{seconds} of that in duty hours", f"其中值守时间 {seconds}")
    else:
        how_long = tongue.pick(f"for {seconds}", f"已 {seconds}")
    if saw_all(page):
        told = tongue.pick(
            f"nobody has answered on {line} since {since}, {how_long}.",
            f"{tongue.spaced(line)}自 {since} 起无人接听，{how_long}。",
        )
    else:
        told = tongue.pick(
            f"no answer was seen on {line} since {since}, {how_long}.",
            f"{tongue.spaced(line)}自 {since} 起未见有人接听，{how_long}。",
        )
    if subject.last_answer_at is None:
        return told
    at, by = tongue.clock(subject.last_answer_at), name(subject.last_answer_by or "")
    last = (
        tongue.pick("Last answer", "最后接听")
        if saw_all(page)
        else tongue.pick("Last answer seen", "所见最后接听")
    )
    return told + tongue.pick(
        f" {last}: {at}" + (f", {by}." if by else "."),
        f"{last}：{at}" + (f"，{by}。" if by else "。"),
    )


def _longest_wait(tongue: Tongue, page: Page, subject: LongestWait, line: str) -> str:
    since, number = tongue.clock(subject.caller.since), tongue.number(subject.caller)
    lost_at = sight.lost_at(subject)
    if lost_at is not None:
        lost = tongue.clock(max(lost_at, subject.caller.since))
        return tongue.pick(
            f"{number} called {line} at {since} and still waited at {lost}, when sight was lost.",
            f"{number} 自 {since} 起在{tongue.within(line)}等候，{lost} 失联时仍在等。",
        )
    seconds = tongue.duration(page.decided_at - subject.caller.since)
    return tongue.pick(
        f"{number} has waited on {line} since {since}, for {seconds}.",
        f"{number} 自 {since} 起在{tongue.within(line)}等候，已 {seconds}。",
    )


def _blind(tongue: Tongue, subject: Blind, line: str) -> str:
    unseen = [
        tongue.pick(
            f"{name(one.pbx)} since {tongue.clock(one.began_at)} ({tongue.cause(one.cause)})",
            f"{name(one.pbx)}（{tongue.clock(one.began_at)} 起，{tongue.cause(one.cause)}）",
        )
        for one in subject.pbxs[:3]
    ]
    return tongue.pick(
        f"ctid does not see PBX {', '.join(unseen)}. Whether calls on {line} are answered is not "
        "known.",
        f"ctid 看不到 PBX {'、'.join(unseen)}。{tongue.spaced(line)}是否有人接听不得而知。",
    )


def _was_blind(tongue: Tongue, page: Page, line: str) -> str:
    began, until = tongue.clock(page.alert.since), tongue.clock(sight.until(page.alert))
    return tongue.pick(
        f"ctid did not run from {began} to {until}; whether calls on {line} were answered then is "
        "not known. It sees them again.",
        f"{began} 至 {until} ctid 未运行，其间{tongue.within(line)}是否有人接听不得而知。"
        "现已恢复。",
    )


def _affected(tongue: Tongue, page: Page) -> Iterator[str]:
    match page.alert.subject:
        case Unanswered() as subject:
            yield from _callers(tongue, subject)
        case LongestWait(waiting_count=count, unseen_count=0) if count > 1:
            yield tongue.pick(f"{count} callers wait in all", f"共有 {count} 位来电者在等")
        case LongestWait(waiting_count=count, unseen_count=unseen) if count > 1:
            yield _waiting(tongue, count, unseen)
        case Blind(waiting_count=count) if count:
            yield tongue.pick(
                f"{tongue.callers(count)} waited when sight was lost",
                f"失联时有 {count} 位来电者在等",
            )
        case StoreFailing(lines=lines) if lines:
            yield tongue.pick(
                f"unanswered beyond their limit meanwhile: {tongue.names(lines)}",
                f"其间超时无人接听的热线：{tongue.names(lines)}",
            )
        case _:
            return


def _waiting(tongue: Tongue, count: int, unseen: int) -> str:
    """Of those who wait, `unseen` are only known to have waited when sight was lost."""
    if unseen >= count:
        return tongue.pick(
            f"{tongue.callers(count)} waited when sight was lost", f"失联时有 {count} 位在等"
        )
    told = tongue.pick(
        f"{tongue.callers(count)} {'waits' if count == 1 else 'wait'}", f"{count} 位在等"
    )
    if not unseen:
        return told
    return told + tongue.pick(
        f" ({unseen} when sight was lost)", f"（其中 {unseen} 位为失联时所见）"
    )


def _callers(tongue: Tongue, subject: Unanswered) -> Iterator[str]:
    waiting = max(subject.waiting_count, len(subject.waiting))
    missed = max(subject.missed_count, len(subject.missed))
    if waiting:
        who = tongue.numbers(subject.waiting, waiting)
        yield _waiting(tongue, waiting, subject.unseen_count) + tongue.pick(": ", "：") + who
    if missed:
        who = tongue.numbers(subject.missed, missed)
        yield tongue.pick(
            f"{tongue.callers(missed)} {'was' if missed == 1 else 'were'} missed: {who}",
            f"{missed} 位未接：{who}",
        )
    if subject.lost_count:
        yield tongue.pick(
            f"of {tongue.callers(subject.lost_count)} it is not known how the call ended",
            f"{subject.lost_count} 位结果不明",
        )


def _first_step(tongue: Tongue, page: Page) -> str:
    match page.alert.subject:
        case Unanswered() as subject:
            return first_step(tongue, subject.advice, subject.agents)
        case LongestWait() as subject:
            return first_step(tongue, subject.advice, subject.agents)
        case Blind() if page.alert.is_over:
            return tongue.pick(
                "look for calls of that time in the PBX's own records (CDR), and call back.",
                "在 PBX 自身的话单（CDR）中查看该时段来电并回电。",
            )
        case Blind(pbxs=pbxs):
            return _see_again(tongue, pbxs[0].cause if pbxs else "")
        case AnswerRate():
            return tongue.pick(
                "put more agents on the line; see ctid report --today --by hour",
                "增加接听人手；查看 ctid report --today --by hour",
            )
        case RosterGap():
            return tongue.pick(
                "put somebody on the roster; what is missing: ctid roster lint",
                "请排班；查看缺口：ctid roster lint",
            )
        case CalendarEnding() | DeliveryStuck() | NotReloaded() | StoreFailing() as subject:
            return of_ctid.first_step(tongue, subject)
        case Incident():
            return ""
        case Test():
            if page.alert.is_over:
                return ""
            return tongue.pick("acknowledge it, as you would at night.", "请像真实告警一样接手。")


def _see_again(tongue: Tongue, cause: str) -> str:
    if cause == GapCause.LOGIN_REFUSED:
        return tongue.pick(
            "check the secret of ctid's user in manager.conf; until then watch the phones.",
            "检查 manager.conf 中 ctid 用户的密码；其间请人工留意电话。",
        )
    return tongue.pick(
        "see whether the PBX runs and can be reached; until then watch the phones.",
        "检查 PBX 是否运行、网络是否通；其间请人工留意电话。",
    )
