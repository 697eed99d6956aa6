"""Text of others made harmless for people to read: no control characters, no length without end."""

import unicodedata
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

_T = TypeVar("_T")

LONGEST: Final = 4000
"""Characters of one value that are shown."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, but letters of some scripts and many emoji are wrong without them."""

_NO_TEXT: Final = frozenset({float, int, bool})
_REPLACEMENT: Final = "\ufffd"


def plain(text: str) -> str:
    """One line: white space and line breaks become a space, controls and direction marks U+FFFD."""
    if text.isprintable() and len(text) <= LONGEST:
        return text
    return "".join(char if char.isprintable() else _shown(char) for char in cut(text, LONGEST))


def plain_parts(value: _T) -> _T:
    """The same for every text in a draft or a part of it."""
    return cast("_T", _parts(value))


def cut(text: str, length: int) -> str:
    """At most `length` characters, the last of them an ellipsis where something is left out."""
    if len(text) <= length:
        return text
    return text[: length - 1].rstrip(" \u200d") + "…"


def _parts(value: Any) -> Any:
    if type(value) is str:
        return plain(value)
    if value is None or type(value) in _NO_TEXT:
        return value
    if isinstance(value, tuple):
        parts = tuple(map(_parts, value))
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else parts
    changed = {}
    for name in _names(value.__class__):
        part = getattr(value, name)
        made = _parts(part)
        if made is not part:
            changed[name] = made
    return replace(value, **changed) if changed else value


@lru_cache(maxsize=1024)
def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass; none of any other type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _shown(char: str) -> str:
    if char in _JOINERS:
        return char
    if char in "\t\n\v\f\r\x85" or unicodedata.category(char).startswith("Z"):
        return " "
    return _REPLACEMENT
