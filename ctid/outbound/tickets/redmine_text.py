"""Text that Redmine shows as it is, whichever of its text formattings is set.

Redmine's API does not tell whether a description is Textile, Markdown or CommonMark, and on top of
each Redmine turns `[[page]]`, `#12`, `r12`, `user:name` and the like into links. So each sign that
can begin something is written as a character reference, which all three show as the sign itself;
and a word joiner, which nobody sees, parts what Redmine would link afterwards. (The formatting
`none` shows the references: the text stays text there too, but is harder to read.)
"""

import re
from typing import Final

_WORD_JOINER: Final = "\u2060"
_NO_BREAK_SPACE: Final = "\u00a0"

_SIGNS: Final = re.compile(
    r"""
    [#$%&*<=>@\[\\\]^_`{|}~"]
    | !(?=\S) | (?<=\S)!
    | \?(?=\?) | (?<=\?)\?
    | \+(?!\d)                             # +86 138 may stay
    | (?<![^\W_])- | -(?![^\W_])           # 2026-11-27 may stay
    | (?<![^\W_])\. | \.(?![^\W_]) | (?<=www)\.
    | (?<!\d):(?=\S) | :(?=[^\d\s])        # 12:30 may stay, and the colon of a label
    | (?<=\w)\( | (?<=\d)\)                # ABC(title), 1) in a list
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LINKED_AFTERWARDS: Final = frozenset("#@[:|")
_CHANGESET: Final = re.compile(r"(?<![^\W_])r(?=\d)")
_INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)
_LINE_END: Final = re.compile(r"(?<=\S)\n(?=[^\n])")


def as_text(text: str, link: str | None = None) -> str:
    """`text` with LF; `link`, where it stands by itself, stays an address that can be clicked."""
    if not link:
        return _as_text(text)
    parts = re.split(rf"(?<!\S){re.escape(link)}(?!\S)", text)
    return link.join(map(_as_text, parts))


def _as_text(text: str) -> str:
    text = _CHANGESET.sub(_WORD_JOINER + "r", text)
    text = _SIGNS.sub(_reference, text)
    text = _INDENT.sub(lambda found: _NO_BREAK_SPACE * len(found[0].expandtabs(4)), text)
    return _LINE_END.sub("  \n", text)  # a line break for CommonMark, too


def _reference(found: re.Match[str]) -> str:
    sign = found[0]
    before = _WORD_JOINER if sign in _LINKED_AFTERWARDS else ""
    return f"{before}&#{ord(sign)};"
