"""What nobody knows: the times in which ctid did not see a PBX, did not run, or could not tell."""

from collections.abc import Iterator
from typing import Final

from ctid.domain.alerts import (
    Alert,
    Blind,
    BlindTime,
    LongestWait,
    Page,
    PageEvent,
    Unanswered,
)
from ctid.domain.records import GapCause
from ctid.outbound.pages.tongue import Tongue, name

_MOST: Final = 3
"""So many times are told; of more only the last."""


def saw_all(page: Page) -> bool:
    """Whether an answer within the time that this page tells of would have been seen."""
    subject, down = page.alert.subject, page.down
    blind = isinstance(subject, Unanswered) and bool(subject.blind)
    return not blind and (down is None or down[1] <= page.alert.since)


def until(alert: Alert) -> float:
    """When a line was in sight again that had not been, because ctid did not run."""
    pbxs = alert.subject.pbxs if isinstance(alert.subject, Blind) else ()
    seen_at = [one.until for one in pbxs if one.until is not None]
    return max(seen_at, default=alert.limit_at)


def lost_at(subject: LongestWait) -> float | None:
    """When sight of the caller who waits was lost; None: they are seen."""
    return next((one.began_at for one in subject.blind if one.until is None), None)


def not_known(tongue: Tongue, page: Page) -> Iterator[str]:
    """A line for each time without sight, and one where the page is late."""
    subject = page.alert.subject
    blind = subject.blind if isinstance(subject, Unanswered | LongestWait) else ()
    told = list(dict.fromkeys(_blind(tongue, one) for one in blind if not _is_down(page, one)))
    left_out = len(told) - _MOST
    if left_out > 0:
        more = tongue.pick(
            f"before that, ctid was without sight {left_out} more times.",
            f"此前另有 {left_out} 段时间失联。",
        )
        told = [more, *told[-_MOST:]]
    label = tongue.pick("Not known: ", "不明：")
    yield from (label + sentence for sentence in told)
    # an alert about just that time says so itself
    if page.down is not None and not isinstance(subject, Blind):
        yield _down(tongue, page, page.down, label)


def late_title(tongue: Tongue, page: Page, title: str) -> str:
    """The title of a page that had to wait: what is wrong may have changed since."""
    if page.event in (PageEvent.ACKNOWLEDGED, PageEvent.RESOLVED):
        return title
    at = tongue.clock(page.decided_at)
    return title + tongue.pick(f" (as of {at})", f"（截至 {at}）")


def late_page(tongue: Tongue, page: Page) -> str:
    """What its text begins with."""
    at = tongue.clock(page.decided_at)
    return tongue.pick(
        f"As of {at}: this page could not be sent sooner.",
        f"截至 {at} 的情况：本通知未能及时发出。",
    )


def late_digest(tongue: Tongue, oldest_at: float) -> str:
    """The same of several in one, the oldest decided then."""
    at = tongue.clock(oldest_at)
    return tongue.pick(
        f"As of {at} and later: not all of it could be sent sooner.",
        f"截至 {at} 及其后的情况：部分通知未能及时发出。",
    )


def _is_down(page: Page, blind: BlindTime) -> bool:
    """Whether `page.down` tells of it already."""
    if page.down is None or blind.cause != GapCause.DAEMON_DOWN or blind.until is None:
        return False
    return page.down[0] - 60 <= blind.began_at and blind.until <= page.down[1] + 60


def _blind(tongue: Tongue, blind: BlindTime) -> str:
    began, cause, pbx = tongue.clock(blind.began_at), tongue.cause(blind.cause), name(blind.pbx)
    if blind.until is None:
        return tongue.pick(
            f"since {began} ctid does not see PBX {pbx} ({cause}); whether somebody answers is "
            "not known.",
            f"自 {began} 起 ctid 看不到 PBX {pbx}（{cause}）；是否有人接听不得而知。",
        )
    until = tongue.clock(blind.until)
    if blind.cause == GapCause.CLOCK_SET_BACK:
        return tongue.pick(
            f"ctid did not run until {until}; for how long is not known, because the clock was set "
            "back, nor whether somebody answered then.",
            f"{until} 之前 ctid 未运行，因时钟被调回，时长不得而知；其间是否有人接听不得而知。",
        )
    if blind.cause == GapCause.DAEMON_DOWN:
        return tongue.pick(
            f"between {began} and {until} ctid did not run; whether somebody answered then is not "
            "known.",
            f"{began} 至 {until} ctid 未运行；其间是否有人接听不得而知。",
        )
    return tongue.pick(
        f"between {began} and {until} ctid did not see PBX {pbx} ({cause}); whether somebody "
        "answered then is not known.",
        f"{began} 至 {until} ctid 看不到 PBX {pbx}（{cause}）；其间是否有人接听不得而知。",
    )


def _down(tongue: Tongue, page: Page, down: tuple[float, float], label: str) -> str:
    began, until, due = tongue.clock(down[0]), tongue.clock(down[1]), tongue.clock(page.due_at)
    told = tongue.pick(
        f"ctid itself was down from {began} to {until}", f"{began} 至 {until} ctid 本身停止运行"
    )
    was_due = tongue.pick(f". This page was due at {due}.", f"。本通知应于 {due} 发出。")
    if isinstance(page.alert.subject, Unanswered) and down[1] > page.alert.since:
        unseen = tongue.pick(
            "; whether somebody answered then is not known", "；其间是否有人接听不得而知"
        )
        return label + told + unseen + was_due
    return tongue.pick("Late: ", "延迟：") + told + was_due
