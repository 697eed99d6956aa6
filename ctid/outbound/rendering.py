"""Drafts as people read them: subject and body from templates, ctid's own or the operator's."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from ctid.config.problems import Problem
from ctid.domain.drafts import Draft, LineName
from ctid.outbound.plain import cut, plain, plain_parts
from ctid.outbound.port import Document
from ctid.outbound.samples import samples
from ctid.outbound.sandbox import LONGEST, Sandbox, Sheet, TemplateError, read
from ctid.outbound.template_files import KINDS, LANGUAGES, Kind, find, misnamed
from ctid.outbound.wording import Language, filters

log = structlog.get_logger("ctid")

LONGEST_SUBJECT: Final = 200
"""Characters; what is longer is cut."""

_FIELDS: Final = tuple(field.name for field in fields(Draft))

VARIABLES: Final = (*_FIELDS, "visit", "revision", "new", "zone")
"""What a template may ask for; docs/tickets.md explains it."""

_ANY_OTHER: Final = ""
"""In the place of a line's name: lines that are not configured (any more)."""


class Templates:
    """The templates of all lines.

    `languages` names every line with its language, `language` is for a line that it does not name.
    `folder` holds the operator's templates, None: there are ctid's own alone. Times are shown in
    `zone`, of the lines in `zones` in theirs. To make it never raises: `check` says what is wrong,
    and until that is mended ctid's own template stands in.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        zone: ZoneInfo,
        language: Language,
        languages: Mapping[str, Language],
        zones: Mapping[str, ZoneInfo] | None = None,
    ) -> None:
        self._zones = {**dict.fromkeys(languages, zone), **(zones or {}), _ANY_OTHER: zone}
        self._languages = {**languages, _ANY_OTHER: language}
        self._lines = tuple(languages)
        self._sandboxes = {
            (name, zone): Sandbox(filters(name, zone))
            for name, zone in product(LANGUAGES, set(self._zones.values()))
        }
        self._own = {
            (name, zone, kind): self._own_sheet(name, zone, kind)
            for (name, zone), kind in product(self._sandboxes, KINDS)
        }
        self._theirs: dict[tuple[str, Kind], Sheet] = {}
        self._problems = [] if folder is None else self._load(folder)
        self._failed: dict[str, str] = {}

    def render(self, draft: Draft, revision: int, data: bytes, *, new: bool) -> Document:
        """What is sent; `new`: as a ticket that is made. No ticket is lost.

        A template that fails is logged, and ctid's own used.
        """
        values = self._values(draft, revision, new=new)
        line = draft.line.name if draft.line.name in self._languages else _ANY_OTHER
        subject, body = (self._text(kind, line, values) for kind in KINDS)
        return Document(revision, draft, _one_line(subject), _paragraphs(body), data)

    def check(self) -> list[Problem]:
        """What is wrong with the operator's templates, tried on sample drafts of every line."""
        found = list(self._problems)
        for line in dict.fromkeys(line for line, _ in self._theirs):
            made = samples(LineName(line, line, line)).items()
            for (what, draft), new in product(made, (True, False)):
                values = self._values(draft, 1 if new else 2, new=new)
                sheets = ((kind, self._theirs.get((line, kind))) for kind in KINDS)
                for kind, sheet in sheets:
                    if sheet is not None:
                        found += _try(sheet, kind, values, what)
        return list(_first_of_each_row(found))

    def _load(self, folder: Path) -> list[Problem]:
        problems = misnamed(folder, self._lines)
        for line, language in self._languages.items():
            for kind in KINDS:
                path = find(folder, line, language, kind)
                if path is None:
                    continue
                try:
                    sheet = self._sheet(language, self._zones[line], read(path), str(path))
                    self._theirs[line, kind] = sheet
                except TemplateError as fault:
                    problems.append(fault.problem)
        return problems

    def _own_sheet(self, language: Language, zone: ZoneInfo, kind: Kind) -> Sheet:
        name = f"templates/{language}/{kind}.j2"
        source = files("ctid.outbound").joinpath(name).read_text(encoding="utf-8")
        return self._sheet(language, zone, source, name)

    def _sheet(self, language: Language, zone: ZoneInfo, source: str, file: str) -> Sheet:
        return Sheet(self._sandboxes[language, zone], source, file, VARIABLES)

    def _values(self, draft: Draft, revision: int, *, new: bool) -> dict[str, Any]:
        shown = plain_parts(draft)
        values = {name: getattr(shown, name) for name in _FIELDS}
        visits = [visit for visit in shown.visits if visit.line == shown.line.name]
        visit = visits[-1] if visits else None
        zone = self._zones.get(draft.line.name, self._zones[_ANY_OTHER])
        beside = {"visit": visit, "revision": revision, "new": new, "zone": zone.key}
        return values | beside

    def _text(self, kind: Kind, line: str, values: Mapping[str, Any]) -> str:
        theirs = self._theirs.get((line, kind))
        if theirs is not None:
            try:
                return _usable(theirs, kind, values)
            except TemplateError as fault:
                self._log(theirs.file, str(fault))
        own = self._own[self._languages[line], self._zones[line], kind]
        return cut("".join(own.pieces(values)), LONGEST)

    def _log(self, file: str, why: str) -> None:
        """Once, not for every ticket."""
        if self._failed.get(file) != why:
            self._failed[file] = why
            log.error("template_failed", why=f"{why}; ctid's own is used instead")


def _usable(sheet: Sheet, kind: Kind, values: Mapping[str, Any]) -> str:
    text = sheet.render(values)
    if kind == "subject" and not text.strip():
        raise TemplateError(Problem(sheet.file, "", "gives an empty subject"))
    return text


def _try(sheet: Sheet, kind: Kind, values: Mapping[str, Any], what: str) -> Iterator[Problem]:
    try:
        _usable(sheet, kind, values)
    except TemplateError as fault:
        wrong = fault.problem
        message = f"{wrong.message} (sample call: {what})"
        yield Problem(wrong.file, wrong.key, message, wrong.row)


def _first_of_each_row(problems: list[Problem]) -> Iterator[Problem]:
    """Each sample call meets the same mistake."""
    seen: set[tuple[str, int | None]] = set()
    for problem in problems:
        place = (problem.file, problem.row)
        if place not in seen:
            seen.add(place)
            yield problem


def _one_line(text: str) -> str:
    return cut(plain(" ".join(text.split())), LONGEST_SUBJECT)


def _paragraphs(text: str) -> str:
    """Without blanks at the ends of lines, and never two empty lines together."""
    lines: list[str] = []
    for line in (line.rstrip() for line in text.split("\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
