"""Days and local times as people and their spreadsheets write them: `2026/12/4 8:00`."""

import re
import unicodedata
from datetime import date, datetime
from typing import Final

_WRITTEN: Final = re.compile(
    r"(\d{4})[-/.年](\d\d?)[-/.月](\d\d?)(?:日|(?!\d))(?:[T\s]*(\d\d?)(:\d\d.*))?", re.ASCII
)
_DAY_LENGTH: Final = len("2026-12-31")


def moment(text: str) -> date | datetime:
    """A day, or one with a time: `2026-12-04`, `2026/12/4 8:00`, `2026年12月4日 8:00:00`, ISO 8601.

    Raises ValueError.
    """
    # keyboards in China write full-width digits and colons
    text = unicodedata.normalize("NFKC", text).strip()
    if found := _WRITTEN.fullmatch(text):
        year, month, day, hour, rest = found.groups()
        text = f"{year}-{month:0>2}-{day:0>2}" + (f"T{hour:0>2}{rest}" if hour else "")
    return (date if len(text) <= _DAY_LENGTH else datetime).fromisoformat(text)


def day(text: str) -> date:
    """The same without a time. Raises ValueError."""
    found = moment(text)
    if isinstance(found, datetime):
        raise ValueError(f"{text!r} is no day alone")  # noqa: TRY004 - it is a wrong value
    return found
