"""Numbers of callers made unreadable for those who need not call them."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"(?P<id>[0-9]{9,11}\.[0-9]+)|[0-9]{5,}")
_DIGITS: Final = re.compile(r"[0-9]{5,}")
# A subscriber's number; what is shorter would be told by five digits.
_LONG: Final = 8
# What people and PBXs write between the digits of one number.
_BETWEEN: Final = re.compile(r"(?<=[0-9])[\s().\-]+(?=[0-9])")


def masked(text: str) -> str:
    """The text with the middle of every run of five digits and more hidden; ids of calls stay."""
    return _NUMBER.sub(_masked, text)


def masked_number(number: str) -> str:
    """The same for one number, however it is written; nothing in it is an id of a call."""
    return _DIGITS.sub(_masked, _BETWEEN.sub("", number))


def _masked(found: re.Match[str]) -> str:
    number = found[0]
    if found.re is _NUMBER and found["id"]:
        return number
    first, last = (3, 2) if len(number) >= _LONG else (1, 1)
    return number[:first] + "*" * (len(number) - first - last) + number[-last:]
