"""What the tables of the file are made of: strict models, and values with a shape of their own."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from ctid.config.address import split_address
from ctid.config.problems import did_you_mean, listed
from ctid.domain import lines as domain
from ctid.domain.duty import Shift, parse_shift
from ctid.domain.patterns import Pattern, parse

NOT_IN_ORDER = "the warning comes too late: `warning_minutes` must be less than `limit_minutes`"
LONGEST_LIMIT = 1440
"""Minutes."""

# Capitals after which no zone is called, but which people write; what is spelt alike is far away.
_MEANT = dict.fromkeys(("beijing", "peking"), "did you mean `Asia/Shanghai`?")
# What people write for a zone; one zone or another that has it as its standard time.
_OFFSET = re.compile(
    r"(?:UTC|GMT)?\s*(?P<sign>[-+\u2212])\s*(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-5][0-9]))?",
    re.IGNORECASE,
)
_CITIES = {
    "-8": "America/Los_Angeles",
    "-7": "America/Denver",
    "-6": "America/Chicago",
    "-5": "America/New_York",
    "-3": "America/Sao_Paulo",
    "+0": "UTC",
    "+1": "Europe/Berlin",
    "+2": "Europe/Athens",
    "+3": "Europe/Moscow",
    "+4": "Asia/Dubai",
    "+5": "Asia/Tashkent",
    "+5:30": "Asia/Kolkata",
    "+6": "Asia/Dhaka",
    "+7": "Asia/Bangkok",
    "+8": "Asia/Shanghai",
    "+9": "Asia/Tokyo",
    "+9:30": "Australia/Darwin",
    "+10": "Australia/Sydney",
    "+12": "Pacific/Auckland",
}
_SHIFT_LIMITS = ("warning_minutes", "limit_minutes", "longest_wait_minutes", "blind_minutes")
_SHIFT_KEYS = ("hours", *_SHIFT_LIMITS)

RESULT = Field(default=None, exclude=True)  # filled in while loading, not a key of the file


class Table(BaseModel):
    """One table. `secrets` are read from `X_file` or `X_credential` while loading."""

    secrets: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    """Keys that name a file which has to be readable."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True
    )

    def comparable(self) -> object:
        """The table as it can be compared; a secret by what it is."""
        found = {what: getattr(self, what) for what in self.secrets}
        known = {what: secret.reveal() if secret else None for what, secret in found.items()}
        return type(self), self.model_dump(), known


def _no_text(what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be a text in quotes, such as {what}")  # noqa: TRY004 - pydantic
        return value

    return check


def _pattern(value: Any) -> Pattern:
    return parse(_no_text('"_80XX"')(value))


def _shift(value: Any) -> Shift:
    if isinstance(value, dict):
        return _shift_with_limits(value)
    return parse_shift(_no_text('"mon-sat 08:00-16:00"')(value))


def _shift_with_limits(table: dict[str, Any]) -> Shift:
    for key in table:
        if key not in _SHIFT_KEYS:
            hint = did_you_mean(key, _SHIFT_KEYS) or f"the keys here are {listed(_SHIFT_KEYS)}"
            raise ValueError(f"has an unknown key `{key}`; {hint}")
    shift = _shift(table.get("hours"))
    warning, limit, wait, blind = (_seconds(table, key) for key in _SHIFT_LIMITS)
    if not are_in_order(warning, limit):
        raise ValueError(NOT_IN_ORDER)
    return replace(
        shift,
        warning_seconds=warning,
        limit_seconds=limit,
        longest_wait_seconds=wait,
        blind_seconds=blind,
    )


def _seconds(table: dict[str, Any], key: str) -> float | None:
    """Those of a number of minutes."""
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"has a `{key}` that is no number")  # noqa: TRY004 - pydantic
    if not 0 < value <= LONGEST_LIMIT:
        raise ValueError(f"has a `{key}` that is not more than 0 and at most {LONGEST_LIMIT}")
    return value * 60.0


def are_in_order(warning: float | None, limit: float | None) -> bool:
    """Whether a warning comes before its limit, where both are said."""
    return warning is None or limit is None or warning < limit


def _with_offset(value: str) -> str | None:
    """A zone whose standard time is `UTC+8`, `GMT+08:00`, `+0800`; None: it is no such offset."""
    found = _OFFSET.fullmatch(unicodedata.normalize("NFKC", value))
    if found is None:
        return None
    minutes = int(found["hours"]) * 60 + int(found["minutes"] or 0)
    sign = "-" if found["sign"] in "-\u2212" and minutes else "+"
    known = _CITIES.get(f"{sign}{minutes // 60}" + (f":{minutes % 60}" if minutes % 60 else ""))
    if known is None and minutes % 60 == 0:
        # what POSIX calls plus lies west
        known = f"Etc/GMT{'-' if sign == '+' else '+'}{minutes // 60}"
    return known if known in zoneinfo.available_timezones() else None


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        if city := _with_offset(value):
            raise ValueError(
                f"`{value}` is an offset, no time zone: write the name of yours, such as `{city}`"
            ) from None
        hint = _MEANT.get(value.rpartition("/")[2].lower()) or did_you_mean(
            value, zoneinfo.available_timezones()
        )
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


def host_name(value: str) -> str:
    if any(char in value for char in " /@") or value.count(":") == 1:
        raise ValueError("is a host name or an address alone: the port has its own key `port`")
    return value


def user_name(value: str) -> str:
    if not value.isprintable() or any(char.isspace() for char in value):
        raise ValueError("may hold neither blanks nor control characters")
    return value


def store_url(value: str) -> str:
    scheme, mark, rest = value.partition("://")
    if not mark:
        return value
    if scheme not in ("sqlite", "postgresql"):
        raise ValueError("must begin with `sqlite://` or `postgresql://`, or be a path")
    user, at, _ = rest.partition("/")[0].rpartition("@")
    if at and ":" in user:
        raise ValueError("holds a password: take it out and put it into the file $PGPASSFILE names")
    return value


def web_address(value: str) -> str:
    scheme, mark, rest = value.partition("://")
    if not mark or scheme not in ("http", "https") or not rest:
        raise ValueError("must be an address that begins with `http://` or `https://`")
    if "@" in rest.partition("/")[0]:
        raise ValueError("holds a user or a password, which log lines would show: take it out")
    return value


def listen_address(value: str) -> str:
    if value and split_address(value) is None:
        raise ValueError(
            "must be an address and a port, `127.0.0.1:9810` or `[::1]:9810`; empty for none"
        )
    return value


def not_empty(value: tuple[Shift, ...]) -> tuple[Shift, ...]:
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
Minutes = Annotated[float, Field(gt=0, le=LONGEST_LIMIT)]
