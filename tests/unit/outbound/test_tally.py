"""What the counters count."""

from itertools import count

from ctid.domain.batch import Batch
from ctid.domain.records import Gap, GapCause, Outcome, Reason, Record
from ctid.outbound.tally import OTHER, REASONS, Tally
from tests.integration.store import samples

ENDED = samples.BEGAN + 100
ANSWERED = ("network", "answered", "")


def tally(remembered: int = 100) -> Tally:
    made = Tally(lambda: ENDED + 1.5, remembered=remembered)
    made.expect(["main"], ["network"], ["Zhang San"])
    return made


def finished(n: int, **changes: object) -> Record:
    values = {
        "open": False,
        "outcome": Outcome.ANSWERED,
        "ended_at": ENDED,
        "wait_seconds": 20.0,
        "ring_seconds": 5.0,
        "talk_seconds": 60.5,
        **changes,
    }
    return samples.ringing(n)._replace(**values)  # type: ignore[arg-type]


def test_every_reason_and_outcome_has_its_series() -> None:
    assert set(REASONS) == set(Outcome)
    assert {reason for reasons in REASONS.values() for reason in reasons if reason} == set(Reason)
    counts = tally().counts
    assert len(counts.calls) == sum(map(len, REASONS.values()))
    assert set(counts.calls.values()) == {0}


def test_a_call_counts_once_when_it_has_ended() -> None:
    made = tally()
    made.feed(Batch(records=(samples.ringing(1),)))
    assert made.counts.calls[ANSWERED] == 0
    made.feed(Batch(records=(finished(1), finished(2))))
    made.feed(Batch(records=(finished(1, outcome=Outcome.MISSED, reason=Reason.BUSY),)))
    assert made.counts.calls[ANSWERED] == 2
    assert sum(made.counts.calls.values()) == 2


def test_what_is_remembered_is_bounded() -> None:
    made = tally(remembered=10)
    made.feed(Batch(records=tuple(finished(n) for n in range(1000))))
    assert made.counts.calls[ANSWERED] == 1000
    made.feed(Batch(records=(finished(999),)))
    assert made.counts.calls[ANSWERED] == 1000
    assert len(made._counted) == 10


def test_an_edge_belongs_to_the_lower_bucket() -> None:
    made = tally()
    made.feed(Batch(records=(finished(1), finished(2, wait_seconds=20.5))))
    waits = made.counts.waits["network", "answered"]
    assert dict(zip(waits.edges, waits.counts, strict=False))[20.0] == 1
    assert (sum(waits.counts), waits.sum) == (2, 40.5)


def test_times_that_are_not_known_are_not_zero() -> None:
    made = tally()
    made.feed(Batch(records=(finished(1, wait_seconds=None, talk_seconds=None, ended_at=None),)))
    assert sum(made.counts.waits["network", "answered"].counts) == 0
    assert sum(made.counts.talks["network"].counts) == 0
    assert sum(made.counts.lags["main"].counts) == 0


def test_the_lag_is_never_negative() -> None:
    made = tally()
    made.feed(Batch(records=(finished(1), finished(2, ended_at=ENDED + 60))))
    assert made.counts.lags["main"].sum == 1.5


def test_agents_nobody_named_and_lines_of_another_day_make_no_series() -> None:
    made = tally()
    before = len(made.counts.calls), len(made.counts.rings)
    ring = samples.ringing(1).rings[0]._replace(result="no_answer")  # type: ignore[arg-type]
    for n in range(50):
        record = finished(n, line=f"gone{n}", rings=(ring._replace(agent=f"1380000{n:04}"),))
        made.feed(Batch(records=(record,)))
    assert (len(made.counts.calls), len(made.counts.rings)) == before
    assert made.counts.rings[OTHER, "no_answer"] == 50


def test_without_a_line_only_the_direction_counts() -> None:
    made = tally()
    made.feed(Batch(records=(finished(1, line=None, outcome=None),)))
    assert made.counts.without_line["inbound"] == 1
    assert sum(made.counts.calls.values()) == 0


def test_a_gap_counts_when_it_begins() -> None:
    made = tally()
    times = count(100.0)
    for cause in (GapCause.UNREACHABLE, GapCause.UNREACHABLE, GapCause.OVERRUN):
        began = next(times)
        made.feed(Batch(gaps=(Gap("main", began, None, cause),)))
        made.feed(Batch(gaps=(Gap("main", began, began + 0.5, cause),)))
    assert made.counts.gaps["main", "unreachable"] == 2
    assert made.counts.gaps["main", "overrun"] == 1


def test_a_copy_does_not_change() -> None:
    made = tally()
    copy = made.counts.copy()
    made.feed(Batch(records=(finished(1),)))
    assert copy.calls[ANSWERED] == 0
    assert sum(copy.waits["network", "answered"].counts) == 0
