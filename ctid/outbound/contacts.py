"""The contact directory: who calls from which number. Read again when its file changes."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from ctid.config import spreadsheet
from ctid.config.problems import Problem, did_you_mean
from ctid.domain.drafts import Contact
from ctid.domain.numbers import Numbering, normalizer
from ctid.outbound import contact_csv, vcard
from ctid.outbound.contact_rows import ContactRow, ContactsError, UnusableRow
from ctid.outbound.followed import POLL_SECONDS, Followed, FollowError
from ctid.outbound.loads import File, Loads
from ctid.outbound.plain import cut, plain

log = structlog.get_logger("ctid")

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a contact file."""

_KEPT: Final = 20
"""So many problems of one file are told one by one."""


@dataclass(slots=True)
class Report:
    """What a file held. `problems` are the first ones, `more` is how many there are beside them."""

    contacts: int = 0
    problems: list[Problem] = field(default_factory=list)
    more: int = 0

    def add(self, problem: Problem) -> None:
        if len(self.problems) < _KEPT:
            self.problems.append(problem)
        else:
            self.more += 1

    def lines(self, file: Path) -> Iterator[str]:
        """What is wrong with rows of the file, for the operator."""
        yield from map(str, self.problems)
        if self.more:
            yield f"{file}: and {self.more} more of such rows"


class ContactDirectory:
    """The contacts of one file, by number in E.164; empty until it is read.

    `numbering` makes the file's numbers comparable with those of callers. `lines` are the names of
    the lines that a contact may usually call.
    """

    def __init__(self, path: Path, numbering: Numbering, lines: Collection[str] = ()) -> None:
        self._path = path
        self._file = Followed(
            path, "[contacts] file", LARGEST, too_large="64 MB: leave pictures out"
        )
        self._numbering = numbering
        self._lines = frozenset(lines)
        self._contacts: dict[str, Contact] = {}
        self._failed: str | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._contacts)

    def lookup(self, e164: str) -> Contact | None:
        """Who has this number, in the form that `ctid.domain.numbers.normalizer` gives."""
        return self._contacts.get(e164)

    def load(self) -> Report | None:
        """Read the file if it changed; None: it did not. Blocks.

        What was read before stays as it is where ContactsError is raised.
        """
        try:
            data = self._file.changed()
        except FollowError as error:
            raise ContactsError(str(error)) from None
        if data is None:
            return None
        try:
            contacts, report = self._parse(spreadsheet.decoded(data))
        except spreadsheet.EncodingError as error:
            raise ContactsError(f"{self._path}: {error}") from None
        self._contacts = contacts
        return report

    async def refresh(self, loads: Loads) -> None:
        """Load beside the loop, and tell what came of it: the log of a failure once."""
        try:
            report = await asyncio.to_thread(self.load)
        except ContactsError as error:
            loads.failed(File.CONTACTS, str(error))
            self._log_failure(str(error))
            return
        if report is None:
            return
        self._failed = None
        loads.succeeded(File.CONTACTS)
        for why in report.lines(self._path):
            log.warning("contact", why=why)
        log.info("contacts_read", numbers=report.contacts, file=str(self._path))

    async def watch(self, loads: Loads, seconds: float = POLL_SECONDS) -> None:
        """Follow the file until cancelled; it is not read after that."""
        try:
            while True:
                await asyncio.sleep(seconds)
                await self.refresh(loads)
        finally:
            self._closed = True  # who reads a long file in a thread gives up

    def _log_failure(self, why: str) -> None:
        if why != self._failed:
            self._failed = why
            log.error("contacts_not_read", why=why, kept=len(self))

    def _parse(self, text: str) -> tuple[dict[str, Contact], Report]:
        taking = _Taking(str(self._path), self._numbering, self._lines)
        read = vcard.read if vcard.is_vcard(text) else contact_csv.read
        try:
            for found in read(text):
                if self._closed:
                    break
                taking.take(found)
        except ContactsError as error:
            raise ContactsError(f"{self._path}:{error}") from None
        if self._closed:
            raise ContactsError(f"{self._path}: not read to its end: ctid is stopping")
        report = taking.report
        if not taking.contacts:
            why = f": {report.problems[0].message}" if report.problems else ""
            raise ContactsError(f"{self._path}: holds no contact{why}")
        report.contacts = len(taking.contacts)
        return taking.contacts, report


class _Taking:
    """What one reading of a file has brought so far."""

    def __init__(self, file: str, numbering: Numbering, lines: frozenset[str]) -> None:
        self.contacts: dict[str, Contact] = {}
        self.report = Report()
        self._file = file
        self._normalize = normalizer(numbering)  # its own: the cache of the calls' is not for this
        self._lines = lines
        self._rows: dict[str, int] = {}
        self._texts: dict[str, str] = {}  # one customer, site or line may stand in very many rows

    def take(self, found: ContactRow | UnusableRow) -> None:
        if isinstance(found, UnusableRow):
            self._doubt(found.row, found.why)
            return
        for why in (*found.doubts, *self._strange_line(found.contact.line)):
            self._doubt(found.row, why)
        contact = self._shared(found.contact)
        for written in found.numbers:
            number = self._normalize(written)
            if number is None:
                self._doubt(found.row, f"`{cut(plain(written), 40)}` is no number")
                continue
            before = self._rows.get(number, found.row)
            if before != found.row:
                self._doubt(found.row, f"`{written}` stands in row {before} too; this one counts")
            self._rows[number] = found.row
            self.contacts[number] = contact

    def _doubt(self, row: int, why: str) -> None:
        self.report.add(Problem(self._file, "", why, row))

    def _strange_line(self, line: str | None) -> Iterator[str]:
        if line is not None and self._lines and line not in self._lines:
            yield f"there is no line `{line}`: {did_you_mean(line, self._lines) or 'correct it'}"

    def _shared(self, contact: Contact) -> Contact:
        def once(text: str) -> str:
            return self._texts.setdefault(text, text)

        site, line = (None if text is None else once(text) for text in (contact.site, contact.line))
        return Contact(once(contact.customer), site, contact.vip, line)
