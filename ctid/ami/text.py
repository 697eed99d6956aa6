"""Text as Asterisk sends it, made fit for records, screens and files."""

import re

_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"a": "", "b": "", "f": "", "n": " ", "r": " ", "t": " ", "v": " "}
UNKNOWN = frozenset({"<unknown>", "unknown"})


def decode(block: bytes) -> str:
    """Decode a block; never raises.

    UTF-8 is the rule. Where it fails, each line (so each field) is decoded by itself: a character
    cut off at its end is dropped, else GB 18030 is tried, else bad bytes become U+FFFD.
    """
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_decode_line(line) for line in block.split(b"\n"))


def _decode_line(line: bytes) -> str:
    body = line.rstrip(b"\r")
    end = "\r" * (len(line) - len(body))
    try:
        return body.decode("utf-8") + end
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return body.decode("utf-8", "ignore") + end
    try:
        return body.decode("gb18030") + end
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace") + end


def plain(value: str) -> str:
    """Cut at the first line break, which only a forged value has, and drop control characters."""
    if value.isprintable():
        return value
    value = value.partition("\r")[0].partition("\n")[0]
    if value.isprintable():
        return value
    # Cc are controls; Cf are direction marks and the like, which can disguise a text.
    return "".join(c for c in value if c.isprintable() or c == "\u3000").strip()


def number(value: str) -> str:
    """A number as it arrived; empty where unknown."""
    if value.isalnum():
        return "" if value == "unknown" else value
    return "" if value in UNKNOWN else plain(value)


def unescape(value: str) -> str:
    r"""Undo C escapes (`\"`, `\\`, `\t` ...) once; controls become a space or nothing."""
    if "\\" in value:
        value = _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), value)
    return plain(value)


def name(value: str) -> str:
    """A display name; empty where unknown."""
    return "" if value in UNKNOWN else unescape(value)
