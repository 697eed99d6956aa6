"""The demo's figures out of committed records."""

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from ctid.demo import board as boards
from ctid.demo.board import Board, Step
from ctid.demo.show import summary
from ctid.demo.tickets import Written
from ctid.demo.words import program, tickets
from ctid.domain.records import Outcome, Record
from ctid.replay import replay
from tests import lab
from tests.truth import CAPTURES


@pytest.fixture
def board() -> Board:
    names = ("8020", "8001", "ova", "ovb")
    return Board([line for line in lab.directory().lines if line.name in names])


def records(name: str) -> list[Record]:
    return list(replay([CAPTURES / f"{name}.ami"], lab.PBX, lab.directory()))


def opened(record: Record) -> Record:
    """The same visit while the caller waits."""
    return record._replace(
        open=True, answered_at=None, ended_at=None, outcome=None, reason=None, rings=()
    )


def test_steps_come_once_and_in_order_however_they_were_committed(board: Board) -> None:
    (answered,) = records("queue_answered")
    told = board.take([opened(answered)])
    assert [step.step for step in told] == [Step.RINGING]
    assert board.ringing("8020") == 1
    assert board.take([opened(answered)]) == []
    told = board.take([answered])
    assert [step.step for step in told] == [Step.ANSWERED, Step.ENDED]
    assert [step.figures for step in told] == [None, (1, 1)]
    assert (board.ringing("8020"), board.open, board.calls) == (0, [], 1)
    other = answered._replace(uniqueid="another")
    assert [step.step for step in board.take([other])] == list(Step)


def test_the_rate_is_answered_by_rung_and_without_calls_there_is_none(board: Board) -> None:
    for name in ("queue_answered", "queue_abandon", "overflow_answered"):
        board.take(records(name))
    assert board.figures["8020"].rate == 0.5
    assert (board.figures["ova"].rung, board.figures["ova"].rate) == (1, 0.0)
    assert board.figures["ova"].outcomes == {Outcome.OVERFLOWED: 1}
    assert board.figures["ovb"].rate == 1.0
    assert board.figures["8001"].rate is None
    assert board.calls == 3


def test_a_record_that_is_written_twice_counts_once(board: Board) -> None:
    for _ in range(2):
        board.take(records("queue_abandon"))
    assert board.figures["8020"].rung == 1


def test_what_ended_long_ago_is_forgotten_but_counted(board: Board) -> None:
    (missed,) = records("queue_abandon")
    for number in range(2 * boards.KEPT):
        board.take([missed._replace(uniqueid=str(number))])
    assert len(board.visits) == boards.KEPT
    assert board.figures["8020"].rung == 2 * boards.KEPT


@pytest.mark.parametrize("width", [80, 120])
def test_the_summary_says_what_there_is_and_what_there_is_not(board: Board, width: int) -> None:
    board.take(records("queue_answered"))
    board.take([opened(record) for record in records("queue_abandon")])
    text = printed(lambda console: summary(console, board, Written(7, 2)), width)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert rows["8020"] == ["1", "1", "0", "0", "100.0", "%", "75", "%", "met"]
    assert rows["8001"] == ["0", "0", "0", "0", "no", "calls", "75", "%"]
    assert "1 still open" in text
    assert "\n7 tickets written, 2 of them to call somebody back;\n" in text
    assert f"{program()} check-config\n" in text
    assert f"{program()} run\n" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (Written(0, 0), "no ticket was written"),
        (Written(1, 0), "1 ticket written;\n"),
        (Written(9, 1), "9 tickets written, 1 of them to call somebody back;\n"),
    ],
)
def test_how_many_tickets_there_are(written: Written, said: str) -> None:
    assert tickets(written).startswith(said)


def printed(show: Callable[[Console], None], width: int) -> str:
    file = StringIO()
    show(Console(file=file, width=width))
    return file.getvalue()
