"""How the demo says it, at a terminal and without one."""

import shlex
import shutil
import sys
import time
from pathlib import Path

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ctid.demo.board import Board, Figures, Step, Told, is_ringing
from ctid.demo.pages import Said
from ctid.demo.tickets import Written
from ctid.domain.alerts import PageEvent
from ctid.domain.records import Outcome, Record
from ctid.report.rows import percent

ASIDE = "while it runs, in another terminal:"

TITLE_WIDTH = 13  # columns of the longest title of demo.toml
LIMIT_SECONDS = 15  # of demo.toml
_WIDTH = 77  # columns of the lines' figures under their whole headings
# of the time, title, number and state of a visit, each with two blanks behind it
_VISIT_WIDTHS = (8, TITLE_WIDTH, 11, len("not offered"))

_STYLES = {"answered": "green", "ended": "green", "ringing": "yellow", "missed": "red"}


_EVENTS = {PageEvent.WARNING: "warned", PageEvent.RESOLVED: "resolved"}


def program() -> str:
    """How this ctid is called, to be typed again: it need not be in the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m ctid"
    found = shutil.which("ctid")
    if found is not None and called.exists() and called.samefile(found):
        return "ctid"
    return shlex.quote(str(called))


def commands(path: Path) -> list[str]:
    """What to ask the demo's own daemon, its records and its tickets, to be copied."""
    asked = ("status", "calls --today", "report --today", "missed list", "alerts list")
    shown = [f"  {program()} {command} --config {path}" for command in asked]
    return [*shown, f"  tail -f {path.parent / 'tickets.jsonl'}"]


def attach() -> str:
    """How to go on, in lines of at most 80 columns."""
    return (
        "To see your own calls:\n"
        "  1. on the PBX, an AMI user that listens, as in dialplans/manager_ctid.conf\n"
        "  2. here, /etc/ctid/ctid.toml with its host, the secret's file and your lines\n"
        f"  3. {program()} check-config\n"
        f"  4. {program()} run"
    )


def clock(at: float) -> str:
    """The time of day, in the zone of this machine."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def rate(figures: Figures) -> str:
    return "no calls" if figures.rate is None else percent(figures.rate)


def verdict(figures: Figures) -> Text:
    """Whether the target is met, in a word and a colour."""
    if figures.rate is None:
        return Text("")
    if figures.rate >= figures.line.target_rate:
        return Text("met", "green")
    return Text("below", "red")


def word(record: Record) -> str:
    """How a visit stands."""
    if is_ringing(record):
        return "ringing"
    if record.open and record.answered_at is not None:
        return "answered"
    if record.outcome is Outcome.ANSWERED:
        return "ended"
    if record.outcome is None:
        return "called"
    return str(record.outcome).replace("_", " ")


def detail(record: Record) -> str:
    """Who, why and for how long."""
    if is_ringing(record):
        now = [r.agent for r in record.rings if r.rang_at is not None and r.ended_at is None]
        return ", ".join(now)
    if record.open and record.answered_at is not None:
        return f"by {record.agent} after {_seconds(record.wait_seconds)}"
    if record.outcome is Outcome.ANSWERED:
        return f"{_seconds(record.talk_seconds)} with {record.final_agent}"
    if record.outcome is None:
        return ""
    reason = str(record.reason).replace("_", " ")
    return (
        reason if record.wait_seconds is None else f"{reason} after {_seconds(record.wait_seconds)}"
    )


def plain(told: Told, board: Board) -> str:
    """One line about one step."""
    record = told.record
    line = board.figures[record.line or ""].line
    if told.step is Step.RINGING:
        what, more = "ringing", ""
    elif told.step is Step.ANSWERED:
        what, more = "answered", f"by {record.agent} after {_seconds(record.wait_seconds)}"
    else:
        what, more = word(record), detail(record)
    title = padded(line.title, TITLE_WIDTH)
    text = f"{clock(told.at)}  {padded(what, 11)} {title}  {record.caller_number}"
    text = f"{text}  {more}" if more else text
    if told.figures is not None and told.figures[1]:
        answered, rung = told.figures
        target = f"{line.target_rate:.0%}".replace("%", " %")
        text += f"  [{answered} of {rung} answered, {percent(answered / rung)}, target {target}]"
    return text


def spoken(said: Said) -> list[str]:
    """A page: its title, and below it what it says."""
    what = padded(_EVENTS.get(said.event, "paged"), 11)
    return [f"{clock(said.at)}  {what} {said.title}", *(f"  {t}" for t in said.text.splitlines())]


def page(said: Said) -> list[Text]:
    """The same for a terminal; what is too long is cut."""
    styles = {"warned": "yellow", "resolved": "green"}
    first, *rest = spoken(said)
    style = f"bold {styles.get(_EVENTS.get(said.event, ''), 'red')}"
    title = Text(first, style, no_wrap=True, overflow="ellipsis")
    return [title, *(Text(line, no_wrap=True, overflow="ellipsis") for line in rest)]


def padded(text: str, width: int) -> str:
    """Filled with blanks to so many columns of a terminal; Chinese characters take two."""
    return text + " " * (width - cell_len(text))


def lines(board: Board, width: int, *, live: bool) -> Table:
    """The figures of all lines; `live`: also who rings now. 60 columns do for it."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Line", no_wrap=True)
    headings = ["Ringing", "Rung", "Answered", "Missed", "Overflowed", "Rate", "Target"]
    least = len("missed")
    if width < _WIDTH:
        headings[:5] = ["Ring", "Rung", "Answ", "Miss", "Over"]
        least = len("rung")
    for heading in headings if live else headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True, min_width=least)
    table.add_column(min_width=len("below"))
    for name, figures in board.figures.items():
        counts = figures.outcomes
        shown = [
            figures.rung,
            counts[Outcome.ANSWERED],
            counts[Outcome.MISSED],
            counts[Outcome.OVERFLOWED],
        ]
        if live:
            shown.insert(0, board.ringing(name))
        target = f"{figures.line.target_rate:.0%}".replace("%", " %")
        title = padded(figures.line.title, TITLE_WIDTH)
        table.add_row(title, *map(str, shown), rate(figures), target, verdict(figures))
    return table


def tail(board: Board) -> str:
    """What the figures do not hold."""
    text = f"Rate = answered / rung; {board.calls} {'call' if board.calls == 1 else 'calls'}"
    unoffered = sum(f.outcomes[Outcome.NOT_OFFERED] for f in board.figures.values())
    if unoffered:
        text += f", {unoffered} not offered (after hours, left in the menu)"
    waiting = len({record.uniqueid for record in board.open})
    if waiting:
        text += f"\n{waiting} still open when it was stopped"
    return text


def alerts(board: Board) -> str:
    """How often a line was unanswered for too long; a line of its own, or nothing."""
    if not board.alerts:
        return ""
    number = f"{board.alerts} {'alert' if board.alerts == 1 else 'alerts'}"
    return f"{number}: nobody answered on a line for {LIMIT_SECONDS} s (by default 15 minutes)\n"


def tickets(written: Written) -> str:
    """How many there are, and where one reads them."""
    number, back = written
    if not number:
        return "no ticket was written"
    text = f"{number} {'ticket' if number == 1 else 'tickets'} written"
    if back:
        text += f", {back} of them to call somebody back"
    return f"{text};\ntickets.jsonl goes with the demo: read it meanwhile, with --hold"


def visits(board: Board, rows: int, width: int) -> Table:
    """The newest visits, the newest first; what is known of their end is cut where it is narrow."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for needed in _VISIT_WIDTHS:
        table.add_column(no_wrap=True, width=needed)
    rest = width - sum(_VISIT_WIDTHS) - 2 * len(_VISIT_WIDTHS)
    table.add_column(no_wrap=True, overflow="ellipsis", width=max(rest, 1))
    for record in list(board.visits.values())[: -rows - 1 : -1] if rows > 0 else ():
        what = word(record)
        table.add_row(
            clock(record.offered_at or record.started_at or 0.0),
            padded(board.figures[record.line or ""].line.title, TITLE_WIDTH),
            record.caller_number or "",
            Text(what, _STYLES.get(what, "")),
            detail(record),
        )
    return table


def _seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f} s"
