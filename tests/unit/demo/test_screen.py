"""The demo on a terminal: everything fits, whatever its size."""

import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from ctid import config
from ctid.demo import words
from ctid.demo.board import Board
from ctid.demo.pages import Said
from ctid.demo.session import configured
from ctid.demo.show import Screen
from ctid.demo.words import LIMIT_SECONDS
from ctid.domain.alerts import PageEvent
from ctid.replay import replay
from ctid.sim import recordings
from tests.truth import CAPTURES

README = (Path(__file__).parents[3] / "README.md").read_text()
DEMO = config.load(Path(config.__file__).parents[1] / "demo/demo.toml", read_secrets=False)


PAGE = Said(
    1_795_741_200.5,
    PageEvent.FIRING,
    "UNANSWERED 15 s: 打印 printing",
    "Wrong: nobody has answered.\n" + "Do first: phones rang, nobody picked up. " * 4 + "\n- Done.",
)
STATE = re.compile(
    "  (ringing|answered|ended|missed|overflowed|not offered|called|lost|excluded)(?:  |$)"
)


def plain(frame: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", frame).strip("\n")


def frames(width: int, height: int, *, color: bool = True) -> list[str]:
    """What the screen shows, frame by frame, while calls of all kinds are recorded."""
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        height=height,
        force_terminal=True,
        color_system="standard" if color else None,
    )
    screen = Screen(console, 60.0)
    board = Board(DEMO.lines())
    board.hear(PAGE)
    screen.begin(board, 40000, Path())
    shown = []
    for number, name in enumerate(recordings.names()):
        file.truncate(file.seek(0))
        records = replay([CAPTURES / f"{name}.ami"], "demo", DEMO.directory("demo"))
        screen.tell(board.take([record._replace(open=number % 3 == 0) for record in records]))
        shown.append(file.getvalue())
    screen.tick(12.0)
    screen.end()
    return shown


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (80, 12), (60, 24)])
def test_every_frame_fits(width: int, height: int) -> None:
    for frame in frames(width, height, color=False):
        text = plain(frame)
        assert len(text.splitlines()) < height
        assert all(cell_len(line) <= width for line in text.splitlines())
        assert "网络 network" in text
        assert len(re.findall(r"75 % *(?:met|below)? *$", text, re.MULTILINE)) == len(DEMO.line)
        below = text.rpartition("75 %")[2].splitlines()[2:]
        assert (height > 12) == any("paged       UNANSWERED 15 s" in line for line in below)
        visits = below[5:] if height > 12 else below
        assert all(re.match(r"\d\d:\d\d:\d\d  \S", visit) for visit in visits)
        assert all(STATE.search(visit) for visit in visits)


def test_columns_stand_below_each_other_with_chinese_titles() -> None:
    last = plain(frames(80, 24, color=False)[-1]).splitlines()
    table = last[2 : 3 + len(DEMO.line)]
    assert len({cell_len(line[: line.rindex("75 %")]) for line in table[1:]}) == 1, table


def test_without_colour_the_verdict_is_still_there() -> None:
    last = frames(80, 24, color=False)[-1]
    assert "\x1b[3" not in last
    assert " met" in last
    assert " below" in last
    assert "\x1b[3" in frames(80, 24)[-1]


def test_the_readme_shows_what_is_shown() -> None:
    frame = plain(frames(80, 24, color=False)[-1]).splitlines()
    assert f"\n{frame[2].rstrip()}\n" in README  # the names of the columns
    for line in DEMO.line:
        assert f"\n{line.title} " in README


def test_the_limit_is_the_one_of_its_configuration() -> None:
    assert DEMO.alert.limit_minutes * 60 == LIMIT_SECONDS


def test_commands_are_shown_as_this_ctid_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "own/ctid", tmp_path / "other/ctid"
    for file in (own, other):
        file.parent.mkdir()
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(own.parent))
    for called, typed in (
        (str(own), "ctid"),
        (str(other), str(other)),
        (".venv/bin/ctid", ".venv/bin/ctid"),
        ("/x/ctid/__main__.py", f"{sys.executable} -m ctid"),
    ):
        monkeypatch.setattr(sys, "argv", [called, "demo"])
        assert words.commands(Path("/tmp/d/ctid.toml"))[0] == (
            f"  {typed} status --config /tmp/d/ctid.toml"
        )
        assert words.attach().endswith(f"  3. {typed} check-config\n  4. {typed} run")


def test_the_demo_asked_by_other_commands_shows_the_times_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for zone, shown in (("Asia/Shanghai", "Asia/Shanghai"), (":Asia/Tokyo", "Asia/Tokyo")):
        monkeypatch.setenv("TZ", zone)
        path = configured(tmp_path, 5038, "x")
        assert config.load(path).timezone == shown
    monkeypatch.setenv("TZ", "CST-8")  # a zone without a name
    assert config.load(configured(tmp_path, 5038, "x")).timezone == "UTC"
