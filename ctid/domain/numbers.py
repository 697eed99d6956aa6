"""Telephone numbers of outside parties, made one form of: E.164 where they have it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers

from ctid.domain.plain_numbers import plain_reader

_CACHED: Final = 4096
_SIGNS: Final = str.maketrans("", "", " \t-()./")


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the PBX stands in the numbering plan.

    `region` is ISO 3166 (`CN`); `area_code` is put before numbers that are whole only with it
    (`021`); `outside_prefixes` are what a phone dials to reach the outside (`9`).
    """

    region: str = "CN"
    area_code: str = ""
    outside_prefixes: tuple[str, ...] = ()


def is_region(name: str) -> bool:
    """Whether numbering plans know this region (ISO 3166, two letters)."""
    return name in phonenumbers.SUPPORTED_REGIONS


def wrong_length(number: str, region: str) -> str | None:
    """What is wrong with the length of a mobile number; None: nothing."""
    mobile, possible = phonenumbers.PhoneNumberType.MOBILE, phonenumbers.ValidationResult
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return "too short"
    match phonenumbers.is_possible_number_for_type_with_reason(parsed, mobile):
        case possible.IS_POSSIBLE:
            return None
        case possible.TOO_SHORT | possible.IS_POSSIBLE_LOCAL_ONLY:
            return "too short"
        case possible.TOO_LONG:
            return "too long"
        case _:
            return "of a wrong length"


def normalizer(numbering: Numbering) -> Callable[[str], str | None]:
    """Give a function from a number as it was seen to one that can be compared.

    `+8613800138000` for a number of the public network, however it was written; the digits alone
    for what is none (extensions, services); None for what is no number (anonymous callers).
    """
    plain = plain_reader(numbering.region)

    @lru_cache(_CACHED)
    def normalize(number: str) -> str | None:
        text = number.translate(_SIGNS)
        digits = text.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            return None
        for candidate in _candidates(text, numbering):
            found = plain(candidate) or _public(candidate, numbering.region)
            if found is not None:
                return found
        return text

    return normalize


def _candidates(text: str, numbering: Numbering) -> list[str]:
    """The ways to read a number, the likeliest first."""
    inside = [
        text.removeprefix(prefix)
        for prefix in numbering.outside_prefixes
        if text.startswith(prefix) and len(text) > len(prefix)
    ]
    written = [text, *inside]
    if not numbering.area_code:
        return written
    return written + [numbering.area_code + local for local in written if local[:1] not in "+0"]


def _public(text: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
