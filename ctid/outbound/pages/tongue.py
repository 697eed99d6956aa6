"""How one reader of a page reads: language, zone, and what time it was when it was written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from ctid.domain.alerts import Caller
from ctid.domain.masking import masked_number
from ctid.outbound.plain import cut, plain
from ctid.outbound.wording import Language, filters

LONGEST_NAME: Final = 40
"""Characters of a name; a line's title beyond is cut."""
LONGEST_WORDS: Final = 200
"""Characters of what somebody wrote."""
NAMED: Final = 5
"""So many of several are named, the others counted."""
NUMBERS_NAMED: Final = 3

_NO_SITE: Final = "ctid"
"""The configuration's default: it needs no naming."""
_MINUTE: Final = 60
_ANONYMOUS: Final = ("anonymous", "匿名")
_ROLES: Final = {
    "first_line": ("first line", "一线"),
    "second_line": ("second line", "二线"),
    "duty_lead": ("duty lead", "值班组长"),
    "project_manager": ("project manager", "项目经理"),
}
_CAUSES: Final = {
    "connection_lost": ("connection lost", "连接中断"),
    "ping_timeout": ("the PBX did not answer", "PBX 无响应"),
    "pbx_restarted": ("the PBX restarted", "PBX 重启"),
    "login_refused": ("login refused", "登录被拒"),
    "unreachable": ("not reachable", "无法连接"),
    "overrun": ("too many events", "事件过多"),
    "daemon_down": ("ctid did not run", "ctid 未运行"),
    "clock_set_back": ("ctid did not run", "ctid 未运行"),
}
_FILES: Final = {
    "config": ("configuration", "配置"),
    "roster": ("roster", "值班表"),
    "contacts": ("contacts", "联系人"),
}


def whole(site: str) -> str:
    """What stands in the place of a line where it is about all of ctid: `ctid`, `ctid desk`."""
    return _NO_SITE if site == _NO_SITE else f"{_NO_SITE} {site}"


def name(text: str) -> str:
    """A name of somebody or something, on one line and bounded."""
    return cut(plain(text).strip(), LONGEST_NAME)


def words(text: str) -> str:
    """What somebody wrote, on one line and bounded."""
    return cut(plain(text).strip(), LONGEST_WORDS)


@dataclass(frozen=True)
class Tongue:
    """`pick` decides between the two languages; all else gives words in the one that is spoken.

    `now` is when the page was decided, or sent where that is late: times of that day are shown
    without the day.
    """

    language: Language
    zone: ZoneInfo
    now: float

    def pick(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    def clock(self, at: float, beside: float | None = None) -> str:
        """With the day where that is not the one of `beside`, or of `now`."""
        return str(self._filters["clock"](at, self.now if beside is None else beside))

    def duration(self, seconds: float) -> str:
        """Whole minutes, never more than have gone by; below one minute seconds."""
        whole = int(seconds + 0.5)
        minutes = whole - whole % _MINUTE
        told = str(self._filters["duration"](minutes or whole))
        # "分" alone is read as a score in a title
        return told + "钟" if told.endswith("分") else told

    def count(self, number: int, one: str, several: str, chinese: str) -> str:
        """`3 callers`, `3 位来电者`; `chinese` is the word with its measure."""
        return self.pick(f"{number} {one if number == 1 else several}", f"{number} {chinese}")

    def callers(self, number: int) -> str:
        return self.count(number, "caller", "callers", "位来电者")

    def names(self, found: Iterable[str]) -> str:
        """`Zhang San, Li Si and 3 more`."""
        told = [name(one) for one in found]
        return self._some(told[:NAMED], len(told) - NAMED, "个")

    def numbers(self, found: Sequence[Caller], count: int) -> str:
        """Masked, each with its time; of the `count` in all, those not named are counted."""
        told = [
            self.number(one) + self.pick(f" ({at})", f"（{at}）")
            for one in found[:NUMBERS_NAMED]
            for at in [self.clock(one.since)]
        ]
        return self._some(told, max(count, len(found)) - NUMBERS_NAMED, "位")

    def number(self, caller: Caller) -> str:
        number = (caller.number or "").strip()
        return name(masked_number(number)) if number else self.pick(*_ANONYMOUS)

    def role(self, role: str) -> str:
        return self.pick(*_ROLES.get(role, (name(role), name(role))))

    def cause(self, cause: str) -> str:
        return self.pick(*_CAUSES.get(cause, (name(cause), name(cause))))

    def file(self, file: str) -> str:
        return self.pick(*_FILES.get(file, (name(file), name(file))))

    def spaced(self, text: str) -> str:
        """For Chinese to follow: a Latin word is set off by a space."""
        return f"{text} " if text[-1:].isascii() else text

    def within(self, text: str) -> str:
        """The same, within Chinese."""
        return f" {self.spaced(text)}" if text[:1].isascii() else self.spaced(text)

    def _some(self, told: list[str], more: int, measure: str) -> str:
        tail = self.pick(f" and {more} more", f"，另有 {more} {measure}") if more > 0 else ""
        return self.pick(", ", "、").join(told) + tail

    @cached_property
    def _filters(self) -> dict[str, Callable[..., Any]]:
        return filters(self.language, self.zone)
