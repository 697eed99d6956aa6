"""The roster file, TOML or CSV, to a Plan, or to everything that is wrong with it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ctid.config import files, spreadsheet
from ctid.config.channels import DingTalkChannel, WeComChannel
from ctid.config.models import Config
from ctid.config.positions import Positions
from ctid.config.problems import ConfigError, Problem, did_you_mean, key_path
from ctid.config.roster_csv import CsvRoster, column_of
from ctid.config.roster_tables import (
    ChannelEntry,
    Moment,
    PersonTable,
    Rows,
    ShiftTable,
    SubstitutionTable,
    Tables,
    is_mobile,
    validate,
)
from ctid.config.shape import Mistake
from ctid.domain.alerts import Route
from ctid.domain.days import midnight
from ctid.domain.roster import Edge, Person, Plan, RosterShift, Substitution, Times

MENTIONING: Final = (DingTalkChannel, WeComChannel)
"""Channels in which somebody is mentioned by the mobile number; robots of Feishu cannot."""

_FOR_EVER: Final = date.max - timedelta(days=2)
"""People write 9999-12-31, and no day comes after that."""


class Surroundings(NamedTuple):
    """What a roster refers to. `channels` are the names of all, `mentioning` of some of them."""

    desk: Times
    lines: Mapping[str, Times]
    channels: frozenset[str]
    mentioning: frozenset[str]


def surroundings(config: Config) -> Surroundings:
    """What the configuration says that a roster may refer to."""
    channels = config.channels.all()
    return Surroundings(
        Times(config.timezone, config.calendar.days),
        {
            line.name: Times(line.timezone or config.timezone, config.days_of(line))
            for line in config.line
        },
        frozenset(table.name for table in channels),
        frozenset(table.name for table in channels if isinstance(table, MENTIONING)),
    )


def load(path: Path, around: Surroundings) -> Plan:
    """Read the file. Raises ConfigError with all its problems."""
    return parse(files.read(path), path, around)


def parse(data: bytes, path: Path, around: Surroundings) -> Plan:
    """What a file of this name holds. Raises ConfigError with all its problems."""
    mistakes: list[Mistake] = []
    raw: Mapping[str, Any]
    rows: Rows
    is_table = path.suffix.lower() == ".csv"
    if is_table:
        table = CsvRoster(_of_spreadsheet(data, path))
        mistakes += table.mistakes
        raw, rows = table.tables, table.row
    else:
        text = files.utf8(data, path)
        raw, rows = files.toml(text, path), Positions(text).row
    tables = validate(raw, mistakes)
    mistakes += _check(tables, around, _people(raw))
    if not mistakes and not tables.shifts:
        raise ConfigError([Problem(str(path), "", "holds no shift: nobody is ever on duty")])
    if mistakes:
        key = column_of if is_table else key_path
        found = [Problem(str(path), key(at), why, rows(at)) for at, why in mistakes]
        raise ConfigError(sorted(found, key=lambda problem: (problem.row or 0, problem.key)))
    names = Counter(table.name or table.id for _, table in tables.people)
    return Plan(
        people={
            table.id: _person(table, around, is_shared=names[table.name or table.id] > 1)
            for _, table in tables.people
        },
        shifts=tuple(_shift(table) for _, table in tables.shifts),
        substitutions=tuple(_substitution(t, around.desk.zone) for _, t in tables.substitutions),
        desk=around.desk,
        lines=around.lines,
    )


def _of_spreadsheet(data: bytes, path: Path) -> str:
    try:
        return spreadsheet.decoded(data)
    except spreadsheet.EncodingError as error:
        raise ConfigError([Problem(str(path), "", str(error))]) from None


def _people(raw: Mapping[str, Any]) -> dict[str, str]:
    """The names of all by id, also of those in whose table something is wrong."""
    people = raw.get("person", [])
    tables = people if isinstance(people, list) else []
    found = [(t.get("id"), t.get("name")) for t in tables if isinstance(t, dict)]
    return {
        id_: name if isinstance(name, str) else id_ for id_, name in found if isinstance(id_, str)
    }


def _check(tables: Tables, around: Surroundings, known: Mapping[str, str]) -> Iterator[Mistake]:
    """What no single value shows; `known` are the people."""
    first: dict[str, int] = {}
    for place, person in tables.people:
        if first.setdefault(person.id, place) != place:
            yield (
                ("person", place, "id"),
                f"`{person.id}` is the id of person[{first[person.id]}] already: give each its own",
            )
        for number, entry in enumerate(person.channels):
            path = ("person", place, "channels", number)
            yield from _there(path, "channel", entry.channel, around.channels)
            yield from _refused(path, entry, around)
    for place, shift in tables.shifts:
        for number, id_ in enumerate(shift.people):
            yield from _person_there(("shift", place, "people", number), id_, known)
        for number, line in enumerate(shift.lines):
            yield from _there(("shift", place, "lines", number), "line", line, around.lines)
        if shift.first is not None and shift.last is not None and shift.last < shift.first:
            yield ("shift", place, "until"), "lies before `from`: write the later day here"
    yield from _check_substitutions(tables, around, known)


def _check_substitutions(
    tables: Tables, around: Surroundings, known: Mapping[str, str]
) -> Iterator[Mistake]:
    for place, substitution in tables.substitutions:
        path = ("substitution", place)
        yield from _person_there((*path, "absent"), substitution.absent, known)
        if substitution.by is not None:
            yield from _person_there((*path, "by"), substitution.by, known)
        for number, line in enumerate(substitution.lines):
            yield from _there((*path, "lines", number), "line", line, around.lines)
        if substitution.by == substitution.absent:
            yield (*path, "by"), "stands in for nobody else: name another"
        zone = around.desk.zone
        if _instant(substitution.end, zone, is_end=True) <= _instant(substitution.begin, zone):
            yield (*path, "until"), "is not after `from`: write the later one here"


def _refused(
    path: tuple[str | int, ...], entry: ChannelEntry, around: Surroundings
) -> Iterator[Mistake]:
    # not repeated in the message: an address of another channel may hold a password
    if entry.channel in around.mentioning and entry.to is not None and not is_mobile(entry.to):
        yield path, "has a `to` that is no mobile number: write it like `13800138000`"


def _there(
    path: tuple[str | int, ...], what: str, name: str, known: Collection[str]
) -> Iterator[Mistake]:
    if name not in known:
        hint = did_you_mean(name, known) or "add one of this name"
        yield path, f"there is no {what} `{name}`: {hint}"


def _person_there(
    path: tuple[str | int, ...], id_: str, known: Mapping[str, str]
) -> Iterator[Mistake]:
    if id_ in known:
        return
    if meant := [other for other, name in known.items() if name == id_]:
        ids = " or ".join(f"`{other}`" for other in meant)
        yield path, f"`{id_}` is a name: write the id, {ids}"
    else:
        hint = did_you_mean(id_, known) or "add one of this id"
        yield path, f"there is no person `{id_}`: {hint}"


def _person(table: PersonTable, around: Surroundings, *, is_shared: bool) -> Person:
    """Who is paged is told apart by the name, on both sides."""
    routes = tuple(_routes(table.channels, table.mobile, around.mentioning))
    name = table.name or table.id
    if is_shared and table.name:
        name = f"{name} ({table.id})"
    return Person(table.id, name, routes, table.language)


def _routes(
    entries: Iterable[ChannelEntry], mobile: str | None, mentioning: Collection[str]
) -> Iterator[Route]:
    for entry in entries:
        default = mobile if entry.channel in mentioning else None
        yield Route(entry.channel, entry.to if entry.to is not None else default)


def _shift(table: ShiftTable) -> RosterShift:
    return RosterShift(
        table.role, table.people, frozenset(table.lines), table.hours, table.first, table.last
    )


def _substitution(table: SubstitutionTable, zone: str) -> Substitution:
    begin, end = _edge(table.begin, zone), _edge(table.end, zone)
    lines = frozenset(table.lines)
    return Substitution(table.absent, table.by, begin, end, lines, table.role, table.hours)


def _edge(moment: Moment, zone: str) -> Edge:
    """A day stays one: which instants it means depends on the line."""
    return _instant(moment, zone) if isinstance(moment, datetime) else min(moment, _FOR_EVER)


def _instant(moment: Moment, zone: str, *, is_end: bool = False) -> float:
    """Unix seconds; a day begins at midnight in the zone and lasts to the next."""
    if isinstance(moment, datetime):
        local = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
        return local.timestamp()
    if is_end:
        moment = min(moment, _FOR_EVER) + timedelta(days=1)
    return midnight(moment, zone)
