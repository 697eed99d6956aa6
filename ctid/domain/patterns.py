"""Numbers and patterns of numbers as the Asterisk dial plan writes them.

A text without a leading `_` is that very number. After `_` stand, for one character each, `X`
(0-9), `Z` (1-9), `N` (2-9), `[1-57]` or the character itself; at the end `.` (one or more of
anything) or `!` (nothing or more of anything). `-` outside brackets is there for the eye only.

Where several patterns match, Asterisk's own rule decides: the exact number first, else from left to
right the position with fewer choices, `.` and `!` last.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass, field

CLASSES = {"X": string.digits, "Z": "123456789", "N": "23456789"}
PLAIN = frozenset(string.ascii_letters + string.digits + "+*#")

# Asterisk's weights of what is no single character; more choices weigh more
_WEIGHT = {".": 0x180, "!": 0x280, "": 0x300}


class PatternError(ValueError):
    """The text is no pattern; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern; made by `parse`.

    `choices` holds for each position the characters it takes, `tail` is `.`, `!` or empty. Two
    patterns are equal if they were written alike.
    """

    text: str
    exact: bool = field(compare=False)
    choices: tuple[frozenset[str], ...] = field(compare=False)
    tail: str = field(compare=False)

    def matches(self, number: str) -> bool:
        if "-" in number:
            number = number.replace("-", "")
        extra = len(number) - len(self.choices)
        if extra < 0 or (extra > 0 and not self.tail) or (extra == 0 and self.tail == "."):
            return False
        return all(char in choice for char, choice in zip(number, self.choices, strict=False))

    def specificity(self) -> tuple[int, ...]:
        """Weights from left to right; of two patterns that match, the lesser tuple wins."""
        weights = (len(choice) for choice in self.choices)
        return (0 if self.exact else 1, *weights, _WEIGHT[self.tail])

    def order(self) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """A key to sort by, most specific first; the characters only make it total."""
        return self.specificity(), tuple("".join(sorted(choice)) for choice in self.choices)

    def overlaps(self, other: "Pattern") -> bool:
        """Whether some number matches both."""
        for ours, theirs in zip(self.choices, other.choices, strict=False):
            if ours.isdisjoint(theirs):
                return False
        shorter, longer = sorted((self, other), key=lambda pattern: len(pattern.choices))
        if len(shorter.choices) < len(longer.choices):
            return shorter.tail != ""
        # equally long: the tails alone decide, and only "nothing" against "at least one" differ
        return {shorter.tail, longer.tail} != {"", "."}

    def ambiguous_with(self, other: "Pattern") -> bool:
        """Whether a number matches both and no rule that a reader could apply says which wins."""
        if self.choices == other.choices and self.tail == other.tail:
            return True
        return self.specificity() == other.specificity() and self.overlaps(other)


def parse(text: str) -> Pattern:
    """The pattern that `text` writes. Raises PatternError."""
    if not text:
        raise PatternError("is empty: write a number such as 8001 or a pattern such as _80XX")
    if not text.startswith("_"):
        return _parse_exact(text)
    choices: list[frozenset[str]] = []
    tail = ""
    rest = text[1:]
    while rest:
        if tail:
            raise PatternError(f"nothing may follow `{tail}`: end the pattern there")
        char, rest = rest[0], rest[1:]
        if char in ".!":
            tail = char
        elif char == "[":
            inside, closed, rest = rest.partition("]")
            if not closed:
                raise PatternError("`[` is never closed: add `]`")
            choices.append(_parse_set(inside))
        elif char.upper() in CLASSES:
            choices.append(frozenset(CLASSES[char.upper()]))
        elif char in PLAIN:
            choices.append(frozenset(char))
        elif char != "-":
            raise PatternError(f"`{char}` has no place in a pattern: use digits, X Z N [1-5] . !")
    if not choices and not tail:
        raise PatternError("matches nothing: write something after `_`")
    return Pattern(text, exact=False, choices=tuple(choices), tail=tail)


def _parse_exact(text: str) -> Pattern:
    number = text.replace("-", "")
    if any(char in "[]!." for char in number) or (
        any(char in CLASSES for char in number) and any(char.isdigit() for char in number)
    ):
        raise PatternError(f"looks like a pattern: write `_{text}` for one")
    for char in number:
        if char not in PLAIN and char != "_":
            raise PatternError(f"`{char}` has no place in a number")
    if not number:
        raise PatternError("is no number")
    return Pattern(text, exact=True, choices=tuple(frozenset(char) for char in number), tail="")


def _parse_set(inside: str) -> frozenset[str]:
    found: set[str] = set()
    rest = inside
    while rest:
        if len(rest) > 2 and rest[1] == "-":  # noqa: PLR2004 - a range is three characters
            first, last, rest = rest[0], rest[2], rest[3:]
            if first > last:
                raise PatternError(f"`{first}-{last}` runs backwards: write `{last}-{first}`")
            found.update(map(chr, range(ord(first), ord(last) + 1)))
        else:
            found.add(rest[0])
            rest = rest[1:]
    if not found:
        raise PatternError("`[]` takes no character: put digits between the brackets")
    if wrong := found - PLAIN:
        raise PatternError(f"`{min(wrong)}` has no place between brackets: use digits or letters")
    return frozenset(found)


def best(patterns: Sequence[Pattern], number: str) -> Pattern | None:
    """The pattern that Asterisk would choose for `number`."""
    return min(
        (pattern for pattern in patterns if pattern.matches(number)),
        key=Pattern.order,
        default=None,
    )
