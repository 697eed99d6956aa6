"""Which calls come when: the same for the same seed, and in order of time."""

from itertools import islice, pairwise

from ctid.sim import recordings
from ctid.sim.program import Call, blocks, program, within

DECK = ("direct_busy", "queue_answered", "after_hours")
TEMPLATES = {name: recordings.template(name) for name in DECK}


def first(count: int, seed: int = 1) -> list[Call]:
    return list(islice(program(DECK, every=2.0, seed=seed), count))


def test_the_deck_comes_as_it_is_and_then_shuffled() -> None:
    calls = first(30)
    assert [call.name for call in calls[:3]] == list(DECK)
    assert [call.number for call in calls] == list(range(30))
    for start in range(0, 30, 3):
        assert {call.name for call in calls[start : start + 3]} == set(DECK)
    assert [call.name for call in calls] != list(DECK) * 10


def test_the_seed_decides() -> None:
    assert first(30) == first(30)
    assert first(30) != first(30, seed=2)


def test_calls_come_in_order_about_as_often_as_asked() -> None:
    times = [call.after for call in first(100)]
    assert times == sorted(times)
    assert 198.0 <= times[-1] < 200.0


def test_what_would_not_end_in_time_does_not_begin() -> None:
    calls = list(within(program(DECK, every=2.0, seed=1), TEMPLATES, 20.0))
    assert len(calls) > 5
    assert all(call.after + TEMPLATES[call.name].seconds <= 20.0 for call in calls)
    (only,) = within(program(DECK, every=2.0, seed=1), TEMPLATES, 0.5)
    assert only.number == 0


def test_blocks_of_endless_calls_come_in_order_of_time() -> None:
    found = list(islice(blocks(program(DECK, every=0.5, seed=1), TEMPLATES, 1_800_000_000.0), 999))
    assert all(one[0] <= two[0] for one, two in pairwise(found))
    assert found[0][0] >= 1_800_000_000.0
    for at, block in found:
        assert b"\r\nTimestamp: %.6f" % at in block


def test_all_blocks_of_all_calls_are_there() -> None:
    calls = first(6)
    together = sum(1 for _ in blocks(calls, TEMPLATES, 0.0))
    apart = (sum(1 for _ in TEMPLATES[call.name].copy(call.number, 0.0)) for call in calls)
    assert together == sum(apart)
