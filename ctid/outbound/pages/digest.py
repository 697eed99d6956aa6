"""Several pages in one message: every line is named, the gravest first."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ctid.domain.alerts import Blind, Kind, LongestWait, Page, PageEvent, Test, Unanswered
from ctid.domain.records import GapCause
from ctid.outbound.pages.first_steps import in_few_words
from ctid.outbound.pages.titles import heading, test_mark
from ctid.outbound.pages.tongue import Tongue
from ctid.outbound.plain import cut

LONGEST_TITLE: Final = 80
_ORDER: Final = (
    PageEvent.FIRING,
    PageEvent.REPEAT,
    PageEvent.WARNING,
    PageEvent.ACKNOWLEDGED,
    PageEvent.RESOLVED,
)
_PREFIXES: Final = {
    PageEvent.FIRING: ("", ""),
    PageEvent.REPEAT: ("STILL ", "仍"),
    PageEvent.WARNING: ("WARNING ", "预警的"),
    PageEvent.ACKNOWLEDGED: ("TAKEN ", "已接手的"),
    PageEvent.RESOLVED: ("RESOLVED ", "已解除的"),
}
_KINDS: Final = tuple(Kind)
LineTitle = Callable[[Page], str]


def newest(pages: Sequence[Page]) -> list[Page]:
    """One page about each alert, as it stands now, in the order in which they were told of.

    Of several people's at that moment the first one's.
    """
    last: dict[tuple[int, object], Page] = {}
    for page in sorted(pages, key=lambda page: page.seq):
        about = page.alert.number, page.alert.key
        known = last.get(about)
        if known is None or (known.event, known.decided_at) != (page.event, page.decided_at):
            last[about] = page
    told = dict.fromkeys((page.alert.number, page.alert.key) for page in pages)
    return [last[about] for about in told]


def digest_title(tongue: Tongue, pages: Sequence[Page], line_title: LineTitle) -> str:
    """How many of what, and the first lines."""
    counts = Counter(_heading(tongue, page) for page in _ordered(pages))
    groups = tongue.pick(", ", "，").join(
        tongue.pick(f"{count} {what}", f"{what} {count} 条") for what, count in counts.items()
    )
    lines = dict.fromkeys(line_title(page) for page in _ordered(pages))
    named = tongue.pick(", ", "、").join(lines)
    all_tests = all(isinstance(page.alert.subject, Test) for page in pages)
    mark = test_mark(tongue.language) if all_tests else ""
    return cut(mark + tongue.pick(f"{groups}: {named}", f"{groups}：{named}"), LONGEST_TITLE)


def digest_lines(
    tongue: Tongue, pages: Sequence[Page], line_title: LineTitle, messages: int
) -> Iterator[str]:
    """One for each group of alerts that say the same: its lines, with the alerts' numbers.

    `messages` would have been sent without the limit.
    """
    yield tongue.pick(
        f"{messages} messages in one, because many came at once.",
        f"消息较多，{messages} 条合并为一条。",
    )
    groups: dict[str, list[str]] = {}
    for page in _ordered(pages):
        number = page.alert.number
        told = tongue.pick(f"{line_title(page)} ({number})", f"{line_title(page)}（{number}）")
        groups.setdefault(_group(tongue, page), []).append(told)
    for group, told_of in groups.items():
        named = tongue.pick(", ", "、").join(told_of)
        yield tongue.pick(f"{group}: {named}", f"{group}：{named}")
    asked = (page.event for page in pages if not page.alert.is_over)
    if any(event in (PageEvent.FIRING, PageEvent.REPEAT) for event in asked):
        yield tongue.pick(
            "Acknowledge: ctid alerts ack N, with N from the brackets",
            "确认接手：ctid alerts ack N（N 为括号中的编号）",
        )


def _group(tongue: Tongue, page: Page) -> str:
    """What all alerts of a group have in common."""
    parts = [_heading(tongue, page)]
    subject = page.alert.subject
    if page.event in (PageEvent.FIRING, PageEvent.REPEAT, PageEvent.WARNING):
        if isinstance(subject, Unanswered):
            parts.append(tongue.duration(subject.seconds))
        if isinstance(subject, Blind) and page.alert.is_over:
            parts.append(tongue.cause(GapCause.DAEMON_DOWN))
        if isinstance(subject, Unanswered | LongestWait):
            parts.append(in_few_words(tongue, subject.advice))
    return tongue.pick(", ", "，").join(part for part in parts if part)


def _heading(tongue: Tongue, page: Page) -> str:
    return tongue.pick(*_PREFIXES[page.event]) + heading(tongue, page)


def _ordered(pages: Sequence[Page]) -> list[Page]:
    return sorted(
        pages,
        key=lambda page: (
            _ORDER.index(page.event),
            _KINDS.index(page.alert.kind),
            page.alert.number,
            page.seq,
        ),
    )
