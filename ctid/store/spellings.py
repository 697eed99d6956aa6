"""How one telephone number may be written, and how it is taken out of a text."""

import re
from typing import Any, Final

import orjson

HIDDEN: Final = "(forgotten)"
"""What stands in a text instead of a forgotten number."""

_LEAST_DIGITS: Final = 7
"""Shorter ones are numbers of the house: many a longer number ends like one of these."""

_MOST_DIGITS: Final = 20
"""15 digits of E.164, and what was dialled in front of them."""

_SEPARATORS: Final = re.compile(r"[ ()./-]")
_ABROAD: Final = re.compile(r"(?:\+|00)([1-9][0-9]*)")
# the country codes of the ITU that have no third digit
_COUNTRY: Final = re.compile(
    "[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2}"
)


class Spellings:
    """A number in every spelling that is the same to those who dial it.

    One with at least seven significant digits is found at the end of every run of at most 20
    digits: behind +, 00, a country code, an area code, an outside prefix. A shorter one (an
    extension), or what is no number at all, is found only as it is given, as a word of its own.
    """

    def __init__(self, number: str) -> None:
        """Take the number as somebody types it; empty: it is nowhere."""
        # `needle` stands in every text that holds the number, and in some that do not
        given = number.strip()
        bare = _SEPARATORS.sub("", given)
        digits = _significant(bare) if re.fullmatch(r"\+?[0-9]+", bare) else ""
        if len(digits) >= _LEAST_DIGITS:
            before = max(0, _MOST_DIGITS - len(digits))
            # 1760000000.12 is a Uniqueid: it begins with the seconds of a clock
            pattern = rf"\+?(?<![0-9])(?!1[0-9]{{9}}\.[0-9])[0-9]{{0,{before}}}{digits}(?![0-9])"
            self.needle = digits
        else:
            # Not within a name (a101), nor within a Uniqueid, a time or an address (10.0.0.101).
            self.needle = bare if digits else given
            word = re.escape(self.needle)
            pattern = rf"(?<![^\W_])(?<![0-9]\.){word}(?![^\W_])(?!\.[0-9])"
        self._pattern: Final = re.compile(pattern)

    def are_in(self, text: str | None) -> bool:
        """Whether the text holds the number."""
        return (
            text is not None
            and self.needle != ""
            and self.needle in text
            and self._pattern.search(text) is not None
        )

    def hide(self, text: str) -> str:
        """Give the text without the number."""
        return self._pattern.sub(HIDDEN, text) if self.are_in(text) else text

    def hide_in_json(self, text: str) -> str:
        """Take the number out of every string within JSON; what has none is given as it was."""
        return (
            orjson.dumps(self._hide_in(orjson.loads(text))).decode() if self.are_in(text) else text
        )

    def _hide_in(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self._hide_in(item) for item in value]
        if isinstance(value, dict):
            return {key: self._hide_in(item) for key, item in value.items()}
        return value


def _significant(number: str) -> str:
    """Give the digits that stand in every spelling of a number: + or 00, digits."""
    digits = number.lstrip("+")
    if abroad := _ABROAD.fullmatch(number):
        digits = abroad[1]
        if country := _COUNTRY.match(digits):
            national = digits[country.end() :].lstrip("0")
            return national if len(national) >= _LEAST_DIGITS else digits
    return digits.lstrip("0") or digits
