"""A contact directory as vCard (RFC 2426 and 6350, and what older address books export as 2.1).

Read here and not by a library: ctid needs six properties, and the libraries bring time zones,
calendars and writing with them.
"""

import quopri
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ctid.domain.drafts import Contact
from ctid.outbound.contact_rows import ContactRow, UnusableRow
from ctid.outbound.plain import plain

_PROPERTY: Final = re.compile(
    r'(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;(?:"[^"]*"|[^":])*)?):(?P<value>.*)',
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_CHARSET: Final = re.compile(r"CHARSET=([\w-]+)", re.IGNORECASE)
_IN_NOTE: Final = re.compile(r"\s*(site|站点|line|热线)\s*[:：](.*)", re.IGNORECASE)
_SITE: Final = frozenset({"site", "站点"})
_LOCALITY: Final = 3  # the place of the town in ADR


class _Property(NamedTuple):
    name: str
    value: str


def is_vcard(text: str) -> bool:
    return text.lstrip()[:11].upper() == "BEGIN:VCARD"


def read(text: str) -> Iterator[ContactRow | UnusableRow]:
    """The contacts in the text of a file; the row is that of BEGIN."""
    began: int | None = None
    found: list[_Property] = []
    for row, line in _unfolded(text):
        match = _PROPERTY.fullmatch(line)
        if match is None:
            continue
        name = match["name"].upper()
        if name == "BEGIN":
            if began is not None:
                yield UnusableRow(began, "the card has no END:VCARD")
            began, found = row, []
        elif name == "END" and began is not None:
            yield _contact(began, found)
            began = None
        elif began is not None:
            found.append(_Property(name, _decoded(match["parameters"], match["value"])))
    if began is not None:
        yield UnusableRow(began, "the card has no END:VCARD")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines, with the row where each begins. A line goes on behind a blank in the next.

    In quoted-printable it also goes on where it ends in `=`.
    """
    began, line = 0, ""
    for row, part in enumerate(text.split("\n"), 1):
        part = part.rstrip("\r")  # noqa: PLW2901
        if line.endswith("=") and "QUOTED-PRINTABLE" in line.partition(":")[0].upper():
            line = line[:-1] + part
        elif part[:1] in (" ", "\t") and line:
            line += part[1:]
        else:
            if line:
                yield began, line
            began, line = row, part
    if line:
        yield began, line


def _decoded(parameters: str, value: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters.upper():
        return value
    data = quopri.decodestring(value.encode())
    charset = _CHARSET.search(parameters)
    try:
        return data.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _contact(row: int, found: list[_Property]) -> ContactRow | UnusableRow:
    def first(name: str) -> str:
        return next((prop.value for prop in found if prop.name == name), "")

    customer = _text(_parts(first("ORG"), ";")[0]) or _text(first("FN"))
    if not customer:
        return UnusableRow(row, "names no customer: neither ORG nor FN")
    numbers = tuple(
        number for prop in found if prop.name == "TEL" and (number := _number(prop.value))
    )
    if not numbers:
        return UnusableRow(row, "has no number: no TEL")
    words = {
        _text(word).upper()
        for prop in found
        if prop.name == "CATEGORIES"
        for word in _parts(prop.value, ",")
    }
    site, line = _note(first("NOTE"))
    address = _parts(first("ADR"), ";")
    town = _text(address[_LOCALITY]) if len(address) > _LOCALITY else ""
    return ContactRow(
        row, numbers, Contact(customer, site or town or None, "VIP" in words, line or None)
    )


def _number(value: str) -> str:
    """Of a text, or of a URI such as `tel:+86-138-0013-8000;ext=5`."""
    return _text(value.strip().removeprefix("tel:").partition(";")[0])


def _note(value: str) -> tuple[str, str]:
    """Site and line, which vCard has no properties for: `site: Shanghai` in a line of the note."""
    site = line = ""
    for text in _unescaped(value).split("\n"):
        match = _IN_NOTE.fullmatch(text)
        if match is None:
            continue
        if match[1].lower() in _SITE:
            site = plain(match[2]).strip()
        else:
            line = plain(match[2]).strip()
    return site, line


def _parts(value: str, at: str) -> list[str]:
    return re.split(rf"(?<!\\){at}", value)


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _text(value: str) -> str:
    return plain(_unescaped(value)).strip()
