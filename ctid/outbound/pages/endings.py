"""Alerts that somebody has taken, or that are over."""

from collections.abc import Iterator

from ctid.domain.alerts import (
    BY_LINK,
    Acknowledged,
    Ending,
    LongestWait,
    Page,
    Resolved,
    Test,
    Unanswered,
)
from ctid.outbound.pages.sight import not_known
from ctid.outbound.pages.titles import noun
from ctid.outbound.pages.tongue import Tongue, name, words


def taken(tongue: Tongue, page: Page) -> str:
    """Who takes care."""
    state = page.alert.state
    if not isinstance(state, Acknowledged):
        return ""
    by, at = name(state.by), tongue.clock(state.at)
    why = words(state.why) if state.why and state.why != BY_LINK else ""
    said = tongue.pick(f' and says: "{why}"', f"，备注：“{why}”") if why else ""
    return tongue.pick(
        f"{by} took this at {at}{said}. You need not do anything.",
        f"{tongue.spaced(by)}已于 {at} 接手{said}。您无需处理。",
    )


def over(tongue: Tongue, page: Page, line: str) -> Iterator[str]:
    """How it ended, and what is still to do."""
    alert = page.alert
    state = alert.state
    if isinstance(alert.subject, Test):
        yield tongue.pick(f"The test of {line} is over.", f"{tongue.spaced(line)}的演练结束。")
    elif isinstance(state, Resolved):
        how, at, since = _how(tongue, state), tongue.clock(state.at), tongue.clock(alert.since)
        yield tongue.pick(
            f"{line}, {noun(tongue, page)}: resolved at {at}, {how}. It began at {since}.",
            f"{tongue.spaced(line)}{noun(tongue, page)}：{at} 解除，{how}。开始于 {since}。",
        )
    yield from not_known(tongue, page)
    yield _left_to_do(tongue, page)


def _left_to_do(tongue: Tongue, page: Page) -> str:
    alert, state = page.alert, page.alert.state
    command = f"ctid missed list --line {alert.line}"
    settled = isinstance(state, Resolved) and state.ending in (Ending.REACHED, Ending.TAKEN_OUT)
    match alert.subject:
        case Unanswered(missed_count=count) if count and not settled:
            return tongue.pick(f"Still to do: call back. {command}", f"待办：回电。{command}")
        case LongestWait() if not settled:
            return tongue.pick(
                f"Still to do: see whether to call back. {command}",
                f"待办：查看是否需要回电。{command}",
            )
        case _:
            return tongue.pick("Nothing is left to do.", "无需再处理。")


def _how(tongue: Tongue, state: Resolved) -> str:
    by = name(state.by) if state.by else ""
    match state.ending:
        case Ending.ANSWERED:
            return tongue.pick(
                f"{by or 'somebody'} answered", f"{tongue.spaced(by)}已接听" if by else "已有人接听"
            )
        case Ending.REACHED:
            return tongue.pick("all who were missed were reached", "未接来电者均已联系上")
        case Ending.LEFT:
            return tongue.pick("the caller waits no more", "该来电者已不在等候")
        case Ending.RECOVERED:
            return tongue.pick("it is well again", "已恢复正常")
        case Ending.PERIOD_OVER:
            return tongue.pick("the day or month is over", "该日或该月已结束")
        case Ending.TAKEN_OUT:
            return tongue.pick(
                "its calls count nowhere, or the line was removed", "相关来电不计入，或热线已移除"
            )
        case Ending.BY_PERSON:
            who = by or tongue.pick("somebody", "有人")
            why = words(state.why) if state.why else ""
            said = tongue.pick(f': "{why}"', f"，理由：“{why}”") if why else ""
            return tongue.pick(f"{who} ended it{said}", f"{tongue.spaced(who)}关闭{said}")
        case Ending.TEST_OVER:
            return tongue.pick("the test is over", "演练结束")
