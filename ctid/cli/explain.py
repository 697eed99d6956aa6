"""`ctid explain`: how one call went and why it was decided so, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer
from rich.cells import cell_len, set_cell_size

from ctid import output
from ctid.cli import story, times
from ctid.cli.asking import Asking, asking
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.table import Format, show
from ctid.cli.wrapping import terminal_width, wrapped
from ctid.domain.records import Fact, Gap, Record
from ctid.store.queries import RecordFilter

_CAUSES = {
    "connection_lost": "the connection was lost",
    "ping_timeout": "the PBX did not answer",
    "pbx_restarted": "the PBX was restarted",
    "login_refused": "the PBX refused the login",
    "unreachable": "the PBX could not be reached",
    "overrun": "events came too fast",
    "daemon_down": "ctid did not run",
}


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class _Told:
    """What is kept of one call."""

    records: list[Record]
    facts: list[Fact]
    gaps: list[Gap]


def explain(
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="The id that `ctid calls` shows, or PBX/ID.")
    ],
    form: Annotated[
        Form, typer.Option("--format", help="Sentences, or all that is kept.")
    ] = Form.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Tell how one call went, and why it counts as it does."""
    loaded = load_known(Path(config))
    zone = ZoneInfo(loaded.timezone)
    with asking(loaded) as database:
        known = sorted(
            {table.name for table in loaded.pbx} | set(database.get(database.reader.pbxs()))
        )
        told = _find(database, call, known)
    if form is Form.JSON:
        show([_as_json(told)], [], Format.JSONL)
        return
    for line in _in_words(told, zone, terminal_width()):
        typer.echo(line)


def _find(database: Asking, call: str, pbxs: Sequence[str]) -> _Told:
    named, slash, uniqueid = call.partition("/")
    if slash and named in pbxs:
        pbxs = [named]
    else:
        uniqueid = call
    found = [
        records
        for pbx in pbxs
        if (records := database.get(database.reader.records(RecordFilter(pbx, uniqueid))))
    ]
    if not found:
        fail(f"{call}: no such call is recorded; `ctid calls` lists calls with their ids")
    if len(found) > 1:
        ids = " or ".join(f"{records[0].pbx}/{uniqueid}" for records in found)
        fail(f"{call}: calls of several PBXs have this id: write {ids}", 2)
    (records,) = found
    records = sorted(records, key=lambda record: record.ordinal)
    facts = database.get(database.reader.facts(records[0].pbx, uniqueid))
    known = [
        at
        for at in (
            *(fact.at for fact in facts),
            *(record.started_at for record in records),
            *(record.ended_at for record in records),
        )
        if at
    ]
    gaps = []
    if known:
        gaps = database.get(database.reader.gaps(records[0].pbx, min(known), max(known)))
    return _Told(records, facts, gaps)


def _in_words(told: _Told, zone: ZoneInfo, width: int | None) -> Iterator[str]:
    first = told.records[0]
    yield from wrapped("", f"{_plain(story.headline(first))}; {first.pbx}/{first.uniqueid}", width)
    steps = [
        _Step(fact.at, _plain(story.sentence(fact)), _plain(fact.because))
        for fact in told.facts
        if fact.kind != "ended"
    ]
    steps += [_Step(gap.began_at, _gap(gap, zone), "") for gap in told.gaps]
    steps.sort(key=lambda step: step.at)  # what has one time stays in its order
    if steps:
        day = (times.to_milliseconds(steps[0].at, zone) or "")[:10]
        yield f"{day}, times of {zone.key}"
    yield ""
    yield from _steps(steps, zone, width)
    if not told.facts:
        yield "No steps of this call are kept."
    yield ""
    for record in told.records:
        yield from wrapped("", _plain(story.decision(record)), width)


class _Step(NamedTuple):
    """A row of the story. `at`: Unix seconds."""

    at: float
    sentence: str
    because: str


def _steps(steps: list[_Step], zone: ZoneInfo, width: int | None) -> Iterator[str]:
    """A row a step, its reason on the right; on a narrow terminal the reason stands below it."""
    sentences = [step.sentence for step in steps]
    reasons = [f"[{step.because}]" if step.because else "" for step in steps]
    clocks = [(times.to_milliseconds(step.at, zone) or "")[11:] for step in steps]
    longest = max(map(cell_len, sentences), default=0)
    rows = [
        f"{at}  {set_cell_size(text, longest)}  {why}" if why else f"{at}  {text}"
        for at, text, why in zip(clocks, sentences, reasons, strict=True)
    ]
    if width is None or max(map(cell_len, rows), default=0) <= width:
        yield from rows
        return
    for at, text, why in zip(clocks, sentences, reasons, strict=True):
        yield from wrapped(f"{at}  ", text, width)
        if why:
            yield from wrapped(" " * cell_len(f"{at}  "), why, width)


def _gap(gap: Gap, zone: ZoneInfo) -> str:
    began = times.to_milliseconds(gap.began_at, zone)
    ended = times.to_milliseconds(gap.ended_at, zone)
    until = f"to {ended}" if ended else "on"
    return f"Not seen from {began} {until}: {_CAUSES[gap.cause]}."


def _plain(text: str) -> str:
    """Callers choose names: nothing of them moves the cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _as_json(told: _Told) -> dict[str, Any]:
    first = told.records[0]
    return {
        "pbx": first.pbx,
        "uniqueid": first.uniqueid,
        "facts": [
            {
                "at": output.iso(fact.at or None),
                "kind": fact.kind,
                "sentence": story.sentence(fact),
                "because": fact.because,
                "data": fact.data,
            }
            for fact in told.facts
        ],
        "gaps": [
            {
                "from": output.iso(gap.began_at),
                "to": output.iso(gap.ended_at),
                "cause": gap.cause,
            }
            for gap in told.gaps
        ],
        "records": [
            {
                **output.to_dict(record),
                "because": record.because,
                "decision": story.decision(record),
            }
            for record in told.records
        ],
    }
