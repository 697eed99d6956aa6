"""The short way gives what phonenumbers gives, or nothing."""

import random
from typing import Final

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberFormat

from ctid.domain.plain_numbers import plain_reader

ALONE: Final = sorted(
    regions[0]
    for regions in COUNTRY_CODE_TO_REGION_CODE.values()
    if len(regions) == 1 and regions[0] != "001"
)
IN_FRONT: Final = ("", "+", "0", "00", "1", "8", "86", "+86", "+860", "0086", "17911", "1790000")

PREFIXES: Final = ("", "+", "+86", "86", "0", "0086", "1", "13", "17", "021", "+8613", "+8621")
CHINA: Final = plain_reader("CN")


def by_phonenumbers(text: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def plan(region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    return metadata


def examples(region: str) -> list[str]:
    """A national number of each kind, as the numbering plan has it."""
    metadata = plan(region)
    kinds = (
        metadata.mobile, metadata.fixed_line, metadata.toll_free, metadata.premium_rate,
        metadata.shared_cost, metadata.voip, metadata.personal_number, metadata.uan,
    )  # fmt: skip
    return [kind.example_number for kind in kinds if kind and kind.example_number]


def spelt(national: str, region: str, chance: random.Random) -> str:
    """The number, in most cases with something before it and some digits changed."""
    digits = list(national)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        place = chance.randrange(len(digits))
        change = chance.choice(("other", "other", "other", "more", "less"))
        if change == "less" and len(digits) > 1:
            del digits[place]
        elif change == "more":
            digits.insert(place, chance.choice("0123456789"))
        else:
            digits[place] = chance.choice("0123456789")
    code = str(phonenumbers.country_code_for_region(region))
    before = chance.choice((*IN_FRONT, code, f"+{code}", f"+{code}0", f"00{code}"))
    return before + "".join(digits)


def abroad(region: str, chance: random.Random) -> str:
    """A number of another country as it is dialled here, or the code of this one once more."""
    prefix = plan(region).preferred_international_prefix or "00"
    other = chance.choice(ALONE)
    code = phonenumbers.country_code_for_region(other)
    return f"{chance.choice((prefix, '00', '000', '011'))}{code}{chance.choice(examples(other))}"


@pytest.mark.parametrize("region", ALONE)
def test_numbers_around_those_of_a_plan(region: str) -> None:
    chance, plain = random.Random(region), plain_reader(region)
    nationals, tried = examples(region), 5000 if region == "CN" else 100
    texts = [spelt(chance.choice(nationals), region, chance) for _ in range(tried)]
    texts += [abroad(region, chance) for _ in range(tried)]
    found = {text: number for text in texts if (number := plain(text)) is not None}
    assert {text: by_phonenumbers(text, region) for text in found} == found
    assert region != "CN" or len(found) > 200  # not all are left to phonenumbers


@settings(max_examples=500)
@given(st.sampled_from(PREFIXES), st.text("0123456789", max_size=14))
def test_any_digits(before: str, digits: str) -> None:
    found = CHINA(before + digits)
    if found is not None:
        assert found == by_phonenumbers(before + digits, "CN")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("13800138000", "+8613800138000"),
        ("013800138000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("02161234567", "+862161234567"),
        ("+862161234567", "+862161234567"),
    ],
)
def test_the_commonest_forms_do_not_go_the_long_way(text: str, found: str) -> None:
    assert CHINA(text) == found


@pytest.mark.parametrize("text", ["101", "10086", "+12125550100", "008613800138000", "", "+"])
def test_others_do(text: str) -> None:
    assert CHINA(text) is None


@pytest.mark.parametrize("region", ["US", "GB", "RU", "ZZ"])
def test_shared_and_unknown_plans_do(region: str) -> None:
    """+1 is a country's only if its own patterns do not say another's."""
    assert plain_reader(region)("2125550123") is None
    assert plain_reader(region)("+12125550123") is None
