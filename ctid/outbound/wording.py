"""The words of tickets in both languages, and times, durations and numbers as people read them.

The terms are those of docs/definitions.md.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import phonenumbers

from ctid.domain.forgetting import FORGOTTEN
from ctid.outbound.plain import cut

Language = Literal["en", "zh"]

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            # stages
            "talking": "talking",
            "ended": "ended",
            "to_return": "to call back",
            "returned": "settled",
            # priorities
            "normal": "normal",
            "important": "important",
            "urgent": "urgent",
            # outcomes
            "answered": "answered",
            "missed": "missed",
            "overflowed": "overflowed",
            "not_offered": "not offered",
            "lost": "lost",
            "excluded": "excluded",
            # reasons
            "voicemail": "got to voicemail",
            "caller_hangup": "the caller hung up",
            "queue_timeout": "the queue's time ran out",
            "queue_full": "the queue was full",
            "no_agents": "the queue had nobody available",
            "key_exit": "left the queue by a key",
            "no_answer": "it rang, and nobody answered",
            "rejected": "an agent declined",
            "busy": "the phones were busy",
            "unavailable": "no phone could be reached",
            "failed": "the PBX shut down",
            "unknown": "why was not seen",
            "after_hours": "out of duty hours",
            "ivr_hangup": "hung up before anybody was tried",
            "turned_away": "the PBX ended the call",
            "own_agent": "own agent",
            "test": "test",
            "blocked": "blocked",
            "fax": "fax",
            # call-backs
            "open": "open",
            "attempted": "called back in vain",
            "reached": "reached",
            "closed": "closed",
            # who ended it
            "caller": "the caller",
            "agent": "the agent",
            "system": "the PBX",
            "restart": "a restart of the PBX",
            # transfers
            "blind": "blind",
            "attended": "attended",
            "redirect": "redirected",
            # directions
            "inbound": "inbound",
            "outbound": "outbound",
            "internal": "internal",
        },
        "zh": {
            "talking": "通话中",
            "ended": "已结束",
            "to_return": "待回电",
            "returned": "已了结",
            "normal": "一般",
            "important": "重要",
            "urgent": "紧急",
            "answered": "已接",
            "missed": "未接",
            "overflowed": "溢出",
            "not_offered": "未呼入",
            "lost": "不明",
            "excluded": "排除",
            "voicemail": "进入语音信箱",
            "caller_hangup": "来电者挂断",
            "queue_timeout": "队列等待超时",
            "queue_full": "队列已满",
            "no_agents": "队列没有可用成员",
            "key_exit": "按键离开队列",
            "no_answer": "振铃无人接听",
            "rejected": "坐席拒接",
            "busy": "话机忙",
            "unavailable": "联系不到话机",
            "failed": "PBX 关机",
            "unknown": "原因不明",
            "after_hours": "值守时间之外",
            "ivr_hangup": "尚未联系任何人时挂断",
            "turned_away": "由 PBX 结束",
            "own_agent": "本线坐席",
            "test": "测试",
            "blocked": "屏蔽",
            "fax": "传真",
            "open": "待回电",
            "attempted": "已回电未接通",
            "reached": "已联系上",
            "closed": "已关闭",
            "caller": "来电者",
            "agent": "坐席",
            "system": "PBX",
            "restart": "PBX 重启",
            "blind": "盲转",
            "attended": "咨询转接",
            "redirect": "强制转接",
            "inbound": "呼入",
            "outbound": "呼出",
            "internal": "内部",
        },
    }
)

_UNITS: Final[Mapping[Language, tuple[str, str, str]]] = MappingProxyType(
    {"en": ("h", "min", "s"), "zh": ("小时", "分", "秒")}
)

# how domain.returns says that a caller was reached
_CALLED_AGAIN: Final = "called again, answered on line "
_WHY_ZH: Final = MappingProxyType({"called back": "回电接通", FORGOTTEN: "来电者要求删除其信息"})


def filters(language: Language, zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    """The filters that are not Jinja's, for templates. Each gives an empty text for None."""

    def time(at: float | None) -> str:
        return _local(at, zone, "%Y-%m-%d %H:%M:%S")

    def clock(at: float | None, beside: float | None = None) -> str:
        day, time = _local(at, zone, "%Y-%m-%d %H:%M").partition(" ")[::2]
        if beside is None or not time or day != _local(beside, zone, "%Y-%m-%d"):
            return f"{day} {time}".rstrip()
        return time

    return {
        "time": time,
        "clock": clock,
        "duration": lambda seconds: _duration(seconds, language),
        "word": lambda value: "" if value is None else WORDS[language].get(value, str(value)),
        "why": lambda text: _why(text, language),
        "phone": phone,
        "cut": lambda text, length: "" if text is None else cut(str(text), max(1, length)),
    }


@lru_cache(1024)
def phone(number: str | None) -> str:
    """`+86 138 0013 8000` of `+8613800138000`; what is not in E.164 stays as it is."""
    if number is None or not number.startswith("+"):
        return number or ""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _local(at: float | None, zone: ZoneInfo, form: str) -> str:
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, zone).strftime(form)
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f}"  # a PBX whose clock is far off


def _duration(seconds: float | None, language: Language) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = list(zip((hours, minutes, rest), _UNITS[language], strict=True))
    told = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(told) or f"0 {_UNITS[language][2]}"


def _why(text: str | None, language: Language) -> str:
    if text is None or language == "en":
        return text or ""
    if text.startswith(_CALLED_AGAIN):
        return f"再次来电，由热线 {text.removeprefix(_CALLED_AGAIN)} 接听"
    return _WHY_ZH.get(text, text)
