"""A contact directory as CSV: a header row, then one contact a row."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from ctid.config.problems import did_you_mean
from ctid.config.spreadsheet import Rows
from ctid.domain.drafts import Contact
from ctid.outbound.contact_rows import ContactRow, ContactsError, UnusableRow, yes_or_no
from ctid.outbound.plain import plain

COLUMNS: Final = {
    "number": ("number", "numbers", "phone", "mobile", "tel", "号码", "电话", "手机"),
    "customer": ("customer", "company", "name", "客户", "公司", "姓名"),
    "site": ("site", "站点", "地点"),
    "vip": ("vip",),
    "line": ("line", "热线"),
}
"""By which headings a column is known. Where two stand for one thing, the first of these wins."""

_BETWEEN_NUMBERS: Final = re.compile(r"[,;|\n]")
_COUNTED: Final = re.compile(r"[ _-]?\d+$")  # of `number 2`


def read(text: str) -> Iterator[ContactRow | UnusableRow]:
    """The contacts in the text of a file. Raises ContactsError where it is no table at all."""
    rows = Rows(text)
    header: list[str] = []
    columns: dict[str, list[int]] = {}
    while True:
        row = rows.at + 1
        try:
            fields = rows.next()
        except csv.Error as error:
            if rows.at > row:
                raise ContactsError(f"{row}: a quote is opened here and never closed") from None
            yield UnusableRow(row, f"is no CSV: {error}")
            continue
        if fields is None:
            return
        if not any(field.strip() for field in fields):
            continue
        if not columns:
            header, columns = fields, _columns(row, fields)
            yield from _strange(row, header)
        elif wrong := rows.too_many(fields, len(header)):
            yield UnusableRow(row, wrong)
        else:
            yield _contact(row, fields, columns)


def _columns(row: int, header: Sequence[str]) -> dict[str, list[int]]:
    """Where each thing stands; numbers may have several columns."""
    names = [_heading(name) for name in header]
    found = {
        what: [place for known in headings for place, name in enumerate(names) if name == known]
        for what, headings in COLUMNS.items()
    }
    for what in ("number", "customer"):
        if not found[what]:
            words = ", ".join(f"`{name}`" for name in COLUMNS[what])
            raise ContactsError(f"{row}: no column is the {what}: head it with one of {words}")
    return found


def _heading(name: str) -> str:
    return _COUNTED.sub("", name.strip().lower())


def _strange(row: int, header: Sequence[str]) -> Iterator[UnusableRow]:
    """Columns that look like a slip. Others are simply not for ctid."""
    known = [name for headings in COLUMNS.values() for name in headings]
    for name in header:
        hint = "" if _heading(name) in known else did_you_mean(name.strip(), known)
        if hint:
            yield UnusableRow(row, f"column `{plain(name.strip())}` is left out: {hint}")


def _contact(
    row: int, fields: Sequence[str], columns: dict[str, list[int]]
) -> ContactRow | UnusableRow:
    def of(what: str) -> list[str]:
        return [fields[place].strip() for place in columns[what] if place < len(fields)]

    def text(what: str) -> str:
        return plain(next(filter(None, of(what)), "")).strip()

    customer = text("customer")
    if not customer:
        return UnusableRow(row, "names no customer")
    numbers = tuple(
        number.strip()
        for field in of("number")
        for number in _BETWEEN_NUMBERS.split(field)
        if number.strip()
    )
    if not numbers:
        return UnusableRow(row, "has no number")
    vip = yes_or_no(text("vip"))
    doubts = () if vip is not None else (f"vip is `{text('vip')}`: write yes or no; taken for no",)
    contact = Contact(customer, text("site") or None, vip or False, text("line") or None)
    return ContactRow(row, numbers, contact, doubts)
