import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.patterns import PatternError, best, parse

ELEMENT = st.one_of(
    st.sampled_from("0123456789XZNxzn+*#"),
    st.sampled_from(["[0-4]", "[5-9]", "[15]", "[2-46]", "[5-67]"]),
)
PATTERN = st.one_of(
    st.builds(
        lambda parts, tail: "_" + "".join(parts) + tail,
        st.lists(ELEMENT, max_size=5),
        st.sampled_from(["", ".", "!"]),
    ).filter(lambda text: text != "_"),
    st.text("0123456789", min_size=1, max_size=4),
)
NUMBER = st.text("0123456789+*#", max_size=7)
NUMBERS = [str(number) for width in range(5) for number in range(10**width)]


def as_regex(text: str) -> str:
    """The same pattern, written down by an independent and naive translation."""
    if not text.startswith("_"):
        return re.escape(text)
    body = re.sub(r"[+*#]", lambda found: "\\" + found[0], text[1:].rstrip(".!"))
    body = body.replace("-", "\0") if "[" not in body else body
    for letter, choice in {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}.items():
        body = body.replace(letter, choice).replace(letter.lower(), choice)
    return body + {".": ".+", "!": ".*"}.get(text[-1], "")


@given(PATTERN, NUMBER)
def test_matches_what_the_regular_expression_matches(text: str, number: str) -> None:
    assert parse(text).matches(number) == bool(re.fullmatch(as_regex(text), number))


@given(PATTERN, PATTERN, NUMBER)
def test_what_matches_both_is_an_overlap(one: str, other: str, number: str) -> None:
    first, second = parse(one), parse(other)
    assert first.overlaps(second) == second.overlaps(first)
    if first.matches(number) and second.matches(number):
        assert first.overlaps(second)


@given(PATTERN, PATTERN)
def test_an_overlap_has_a_number_that_proves_it(one: str, other: str) -> None:
    first, second = parse(one), parse(other)
    longer = max(len(first.choices), len(second.choices))
    number = ""
    for position in range(longer):
        common = None
        for pattern in (first, second):
            if position < len(pattern.choices):
                choice = pattern.choices[position]
                common = choice if common is None else common & choice
        number += min(common or {"?"})
    proofs = (number, number + "1")
    proved = any(first.matches(proof) and second.matches(proof) for proof in proofs)
    assert first.overlaps(second) == proved


@given(st.lists(PATTERN, max_size=6), NUMBER)
def test_the_best_one_matches_and_none_that_matches_is_more_specific(
    texts: list[str], number: str
) -> None:
    patterns = [parse(text) for text in texts]
    found = best(patterns, number)
    matching = [pattern for pattern in patterns if pattern.matches(number)]
    if found is None:
        assert not matching
    else:
        assert found.matches(number)
        assert all(found.specificity() <= pattern.specificity() for pattern in matching)


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ("8001", "_80XX"),
        ("8001", "_8001"),
        ("_80[1-3]X", "_80XX"),
        ("_80NX", "_80ZX"),
        ("_80ZX", "_80XX"),
        ("_80XX", "_8XXX"),
        ("_8XXX", "_8."),
        ("_80X.", "_8XXX"),
        ("_8.", "_8!"),
        ("_8XXX", "_."),
        ("_80X1", "_80XX"),
    ],
)
def test_asterisk_prefers(winner: str, loser: str) -> None:
    patterns = [parse(loser), parse(winner)]
    found = best(patterns, "8021" if winner != "8001" else "8001")
    assert found is not None
    assert parse(winner).order() < parse(loser).order()
    assert not parse(winner).ambiguous_with(parse(loser)) or winner.strip("_") == loser.strip("_")


@pytest.mark.parametrize(
    ("one", "other", "ambiguous"),
    [
        ("_80XX", "_80xx", True),
        ("_80XX", "8001", False),
        ("_8001", "8001", True),
        ("_8[1-3]X", "_8[2-4]X", True),
        ("_8[1-3]X", "_8[4-6]X", False),
        ("_8X1", "_81X", False),
        ("_80XX", "_81XX", False),
        ("_8X.", "_X8.", False),
    ],
)
def test_ambiguous(one: str, other: str, ambiguous: bool) -> None:
    assert parse(one).ambiguous_with(parse(other)) is ambiguous
    assert parse(other).ambiguous_with(parse(one)) is ambiguous


def test_dashes_are_for_the_eye() -> None:
    assert parse("_010-80XX").matches("0108012")
    assert parse("010-8012").matches("0108012")
    assert parse("_0108012").matches("010-8012")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("_", "matches nothing"),
        ("80XX", "write `_80XX`"),
        ("8[1-3]", "write `_8[1-3]`"),
        ("_8[1-3", "add `]`"),
        ("_8[]", "no character"),
        ("_8[5-1]", "write `1-5`"),
        ("_8.1", "nothing may follow `.`"),
        ("_8 1", "` ` has no place"),
        ("_80XX/123", "`/` has no place"),
        ("_8[;]", "`;` has no place between brackets"),
        ("80 1", "` ` has no place"),
        ("-", "no number"),
    ],
)
def test_bad_patterns_say_how_to_mend_them(text: str, says: str) -> None:
    with pytest.raises(PatternError, match=re.escape(says)):
        parse(text)


@given(st.text(max_size=12))
def test_any_text_is_a_pattern_or_a_pattern_error(text: str) -> None:
    try:
        pattern = parse(text)
    except PatternError:
        return
    assert pattern.text == text
    pattern.matches("8001")
