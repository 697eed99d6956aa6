"""Numbers in their commonest forms, understood without phonenumbers' long way, to the same answer.

Most callers of a hotline come as `13800138000`, `02161234567` or `+8613800138000`. phonenumbers
reads any text in any form, some 30 regular expressions for each; these need three. What is not as
plain is left to it.
"""

import re
from collections.abc import Callable
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

_NEVER: Final = r"(?!)"


def plain_reader(region: str) -> Callable[[str], str | None]:
    """Give a function from digits, with or without `+`, to E.164; None: ask phonenumbers.

    None is no verdict, the rest is what `parse`, `is_valid_number` and `format_number` would give.
    Numbering plans change: conditions that today's do not need stand here for those to come.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.country_code is None:
        return _nothing
    code = str(metadata.country_code)
    # where countries share a code (+1, +7, +44), which of them it is decides what is valid;
    # and where the prefix is rewritten instead of taken off, so is what follows
    shared = len(COUNTRY_CODE_TO_REGION_CODE[metadata.country_code]) > 1
    if shared or metadata.national_prefix_transform_rule:
        return _nothing
    general, *kinds = map(_matcher, (metadata.general_desc, metadata.mobile, metadata.fixed_line))
    abroad = re.compile(metadata.international_prefix or _NEVER)
    trunk = re.compile(metadata.national_prefix_for_parsing or _NEVER)

    def read(text: str) -> str | None:
        if text.startswith(f"+{code}"):
            national = text[len(code) + 1 :]
        elif text.startswith(("+", code)) or abroad.match(text):
            return None  # of another country perhaps, or the code without its `+`
        else:
            national = text
        if (prefix := trunk.match(national)) is not None:
            national = national[prefix.end() :]
        if national.startswith("0"):
            return None  # a zero that may belong to the number
        if general(national) and any(kind(national) for kind in kinds):
            return f"+{code}{national}"
        return None

    return read


def _matcher(desc: PhoneNumberDesc | None) -> Callable[[str], bool]:
    """Whether a national number is of this kind."""
    if desc is None or not desc.national_number_pattern:
        return lambda _national: False
    pattern, lengths = re.compile(desc.national_number_pattern), frozenset(desc.possible_length)
    # no lengths: those of the general description, which is asked first
    return lambda national: (
        (not lengths or len(national) in lengths) and pattern.fullmatch(national) is not None
    )


def _nothing(_text: str) -> None:
    return None
