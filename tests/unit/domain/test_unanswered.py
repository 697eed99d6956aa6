"""The unanswered clock: what opens it, what closes it, what it forgets."""

from dataclasses import replace

import pytest

from ctid.domain.records import Outcome, Reason
from ctid.domain.unanswered import Clock, Fate, Offer, offer_of
from tests.unit.domain.missed_calls import answered, record


def offer(at: float, **given: object) -> Offer:
    """An offer of a caller who waits, made at `at` within duty hours."""
    plain = Offer(("main", f"{at}", 0), at, "100", True, Fate.WAITING, False)
    return replace(plain, **given)  # type: ignore[arg-type]


def missed(at: float, left_at: float, **given: object) -> Offer:
    return offer(at, fate=Fate.MISSED, is_final=True, left_at=left_at, **given)


def taken(at: float, left_at: float, **given: object) -> Offer:
    fields = {"is_final": True, "agent": "Li"} | given
    return offer(at, fate=Fate.ANSWERED, left_at=left_at, **fields)


def since(*offers: Offer, closed: float | None = None) -> float | None:
    clock = Clock()
    for each in offers:
        clock.put(each)
    if closed is not None:
        clock.close(closed)
    return clock.compute().since


def test_it_is_closed_while_nobody_called() -> None:
    assert since() is None


def test_it_opens_when_the_first_caller_is_offered_who_still_waits() -> None:
    assert since(offer(100.0), offer(150.0)) == 100.0


def test_a_miss_keeps_it_open() -> None:
    assert since(missed(100.0, 130.0), missed(200.0, 230.0)) == 100.0


def test_an_answer_closes_it() -> None:
    assert since(missed(100.0, 130.0), taken(140.0, 150.0)) is None


def test_who_still_waits_when_another_is_answered_opens_it_then() -> None:
    assert since(offer(100.0), missed(120.0, 130.0), taken(140.0, 150.0)) == 150.0


def test_who_left_before_the_answer_does_not() -> None:
    assert since(missed(100.0, 149.0), taken(140.0, 150.0)) is None


def test_a_call_after_the_answer_opens_it_anew() -> None:
    assert since(missed(100.0, 130.0), taken(140.0, 150.0), missed(300.0, 320.0)) == 300.0


def test_offers_out_of_duty_hours_do_not_open_it() -> None:
    assert since(missed(100.0, 130.0, counts=False)) is None
    assert since(offer(100.0, counts=False), taken(140.0, 150.0)) is None


def test_an_answer_out_of_duty_hours_closes_it() -> None:
    assert since(missed(100.0, 130.0), taken(140.0, 150.0, counts=False)) is None


def test_it_closes_when_everybody_who_was_missed_is_reached() -> None:
    assert since(missed(100.0, 130.0, reached_at=400.0)) is None
    assert since(missed(100.0, 130.0, reached_at=400.0), missed(200.0, 230.0)) == 100.0
    both = (missed(100.0, 130.0, reached_at=400.0), missed(200.0, 230.0, reached_at=500.0))
    assert since(*both) is None


def test_who_waits_while_all_others_are_reached_keeps_it_open() -> None:
    assert since(missed(100.0, 130.0, reached_at=400.0), offer(350.0)) == 100.0


def test_who_calls_after_all_were_reached_opens_it_anew() -> None:
    assert since(missed(100.0, 130.0, reached_at=400.0), missed(450.0, 460.0)) == 450.0


def test_whose_end_nobody_knows_keeps_it_open_and_is_no_miss_to_be_reached() -> None:
    lost = offer(100.0, fate=Fate.LOST, is_final=True, left_at=130.0)
    assert since(lost) == 100.0
    assert since(lost, missed(200.0, 230.0, reached_at=300.0)) is None


def test_who_is_called_back_after_they_were_lost_reaches_nobody_else() -> None:
    lost = offer(100.0, fate=Fate.LOST, is_final=True, left_at=300.0, reached_at=400.0)
    assert since(lost, missed(120.0, 130.0, reached_at=200.0)) == 100.0


def test_somebody_closes_it_and_who_waits_then_opens_it() -> None:
    assert since(missed(100.0, 130.0), closed=500.0) is None
    assert since(offer(100.0), closed=500.0) == 500.0


def test_an_offer_that_is_taken_out_was_never_there() -> None:
    clock = Clock()
    clock.put(offer(100.0))
    clock.put(offer(160.0))
    assert clock.compute().since == 100.0
    assert clock.take_out(("main", "100.0", 0))
    assert clock.compute().since == 160.0


def test_an_answer_that_is_taken_out_closes_nothing() -> None:
    clock = Clock()
    clock.put(missed(100.0, 130.0))
    clock.put(taken(140.0, 150.0, is_final=False))
    assert clock.compute().since is None
    clock.take_out(("main", "140.0", 0))
    assert clock.compute().since == 100.0


def test_it_tells_the_last_answer_and_forgets_what_is_over() -> None:
    clock = Clock()
    for number in range(100):
        clock.put(missed(number * 10.0, number * 10.0 + 5))
        clock.put(taken(number * 10.0 + 1, number * 10.0 + 9))
        clock.compute()
    assert clock.offers() == []
    assert (clock.reading.last_answer_at, clock.reading.last_answer_by) == (999.0, "Li")


def test_a_clock_that_was_set_makes_nobody_older() -> None:
    clock = Clock()
    clock.put(taken(10.0, 20.0))
    clock.put(missed(100.0, 130.0))
    clock.compute()
    clock.shift(3600.0)
    assert (clock.reading.since, clock.reading.last_answer_at) == (3700.0, 3620.0)


@pytest.mark.parametrize(
    ("given", "fate", "left_at"),
    [
        ({"outcome": Outcome.MISSED, "wait_seconds": 40.0}, Fate.MISSED, 140.0),
        ({"outcome": Outcome.OVERFLOWED, "open": True}, Fate.MISSED, 160.0),
        ({"outcome": None, "open": True, "ended_at": None}, Fate.WAITING, None),
        ({"outcome": None, "open": True, "ended_at": None, "agent": "Li"}, Fate.ANSWERED, 100.0),
        ({"outcome": Outcome.LOST}, Fate.LOST, 160.0),
        ({"outcome": Outcome.ANSWERED, "answered_at": None}, Fate.ANSWERED, 100.0),
    ],
)
def test_what_a_record_says(given: dict[str, object], fate: Fate, left_at: float | None) -> None:
    found = offer_of(record(100.0, **given), 5.0, counts=lambda _: True)
    assert found is not None
    assert (found.fate, found.left_at) == (fate, left_at)


@pytest.mark.parametrize(
    "given",
    [
        {"outcome": Outcome.NOT_OFFERED, "reason": Reason.AFTER_HOURS},
        {"outcome": Outcome.EXCLUDED, "reason": Reason.TEST},
        {"outcome": Outcome.MISSED, "reason": Reason.CALLER_HANGUP, "wait_seconds": 4.9},
        {"offered_at": None, "outcome": None, "reason": None, "open": True, "ended_at": None},
    ],
)
def test_what_counts_nowhere(given: dict[str, object]) -> None:
    assert offer_of(record(100.0, **given), 5.0, counts=lambda _: True) is None


def test_what_began_unseen_counts_from_when_it_is_known() -> None:
    unseen = record(100.0, offered_at=None, started_at=90.0, rings=())
    found = offer_of(unseen, 5.0, counts=lambda _: True)
    assert found is not None
    assert (found.at, found.fate) == (90.0, Fate.MISSED)
    answered_unseen = unseen._replace(outcome=None, reason=None, open=True, answered_at=120.0)
    found = offer_of(answered_unseen, 5.0, counts=lambda _: True)
    assert found is not None
    assert (found.fate, found.left_at) == (Fate.ANSWERED, 120.0)


def test_a_short_wait_that_the_caller_did_not_end_counts() -> None:
    short = record(100.0, reason=Reason.BUSY, wait_seconds=2.0)
    assert offer_of(short, 5.0, counts=lambda _: True) is not None


def test_an_answered_call_is_answered_when_it_was() -> None:
    found = offer_of(answered(100.0), 5.0, counts=lambda _: True)
    assert found is not None
    assert (found.fate, found.left_at, found.agent) == (Fate.ANSWERED, 105.0, "Li")
