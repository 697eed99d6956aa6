"""Where the demo is shown: a terminal that is drawn anew, or lines one below the other."""

from pathlib import Path
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ctid.demo import words
from ctid.demo.board import Board, Told
from ctid.demo.pages import Said
from ctid.demo.tickets import Written

# Rows that are not visits: the table's own heading, and blanks.
_OTHER_ROWS = 3
_LEAST_VISITS = 3  # with less room below it a page is not shown


class Show(Protocol):
    """Raises OSError where it can no longer be written."""

    def begin(self, board: Board, port: int, path: Path) -> None: ...

    def tell(self, told: list[Told]) -> None: ...

    def say(self, said: Said) -> None: ...

    def tick(self, elapsed: float) -> None: ...

    def end(self) -> None: ...


class Lines:
    """A line per step: for pipes, files and dumb terminals."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board: Board | None = None

    def begin(self, board: Board, port: int, path: Path) -> None:
        self._board = board
        self._say(f"simulated PBX on 127.0.0.1:{port}; {words.ASIDE}")
        for command in words.commands(path):
            self._say(command)

    def tell(self, told: list[Told]) -> None:
        if self._board is not None:
            for step in told:
                self._say(words.plain(step, self._board))

    def say(self, said: Said) -> None:
        for line in words.spoken(said):
            self._say(line)

    def tick(self, elapsed: float) -> None:
        """Nothing changes but time."""

    def end(self) -> None:
        """Nothing to take away."""

    def _say(self, line: str) -> None:
        # not by rich, which would wrap it
        print(line, file=self._console.file, flush=True)


class Screen:
    """The lines' figures, and below them the calls as they are now."""

    def __init__(self, console: Console, seconds: float | None) -> None:
        self._console = console
        self._seconds = seconds
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._board: Board | None = None
        self._port = 0
        self._path = Path()
        self._elapsed = 0.0

    def begin(self, board: Board, port: int, path: Path) -> None:
        self._board, self._port, self._path = board, port, path
        self._live.start()
        self._draw()

    def tell(self, told: list[Told]) -> None:
        del told  # the board has them
        self._draw()

    def say(self, said: Said) -> None:
        del said  # the board has it
        self._draw()

    def tick(self, elapsed: float) -> None:
        self._elapsed = elapsed
        self._draw()

    def end(self) -> None:
        self._live.stop()

    def _draw(self) -> None:
        board = self._board
        if board is None:
            return
        shown = _minutes(self._elapsed)
        if self._seconds is not None:
            shown += f" of {_minutes(self._seconds)}"
        heading = Text.assemble(
            ("ctid demo", "bold"),
            f"   simulated PBX on 127.0.0.1:{self._port}   {shown}   Ctrl-C ends it",
        )
        # who holds it may want to ask other commands about it
        held = self._seconds is None
        aside = Text("\n".join([words.ASIDE, *words.commands(self._path), ""]) if held else "")
        width, height = self._console.size
        above = sum(max(len(t.wrap(self._console, width)), 1) for t in (heading, aside))
        rows = height - len(board.figures) - above - _OTHER_ROWS
        parts: list[RenderableType] = [heading, aside, words.lines(board, width, live=True), ""]
        page = words.page(board.said) if board.said is not None else []
        if page and rows - len(page) > _LEAST_VISITS:
            rows -= len(page) + 1
            parts += [*page, ""]
        self._live.update(Group(*parts, words.visits(board, rows, width)), refresh=True)


def summary(console: Console, board: Board, written: Written) -> None:
    """What was recorded, and how to go on."""
    console.print(words.lines(board, console.width, live=False))
    text = (
        f"\n{words.tail(board)}\n{words.alerts(board)}{words.tickets(written)}\n\n{words.attach()}"
    )
    if console.is_terminal:
        console.print(Text(text))  # broken between words where it is narrow
    else:
        print(text, file=console.file)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
