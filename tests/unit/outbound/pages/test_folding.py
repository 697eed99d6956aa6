"""A channel's limit is kept in every minute, and what has to wait goes together."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.alerts import PageEvent
from ctid.outbound.pages.folding import Bucket, fold, over_before_sent, superseded
from ctid.store.pages import Claim, Decided, PageState, Tried

NOW = 1_795_742_100.0


def claim(alert: int, seq: int = 0, address: str | None = None, **changes: object) -> Claim:
    made = Claim(
        *(alert, seq, PageEvent.FIRING, "Li Si", 0, "robot", address, "{}"),
        *(NOW, NOW, 0, NOW, NOW, (), NOW + 60.0),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def numbers(groups: Sequence[Sequence[Claim]]) -> list[list[int]]:
    return [[each.alert for each in group] for group in groups]


@pytest.mark.parametrize(
    ("per_minute", "burst"), [(1, 1), (2, 2), (3, 3), (12, 3), (20, 5), (100, 25)]
)
def test_a_part_may_go_at_once_and_the_rest_evenly(per_minute: int, burst: int) -> None:
    bucket = Bucket(per_minute)
    assert bucket.available(NOW) == burst
    bucket.take(burst)
    assert bucket.available(NOW) == 0
    again_at = bucket.next_at()
    pause = 60.0 if burst == per_minute else 60.0 / per_minute
    assert again_at == pytest.approx(NOW + pause)
    assert bucket.available(again_at - 0.1) == 0
    assert bucket.available(again_at) == (burst if burst == per_minute else 1)


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(0, 60)), max_size=60),
)
def test_no_minute_has_more_than_its_limit(per_minute: int, asked: list[tuple[float, int]]) -> None:
    bucket, now, begun = Bucket(per_minute), NOW, list[float]()
    for pause, wanted in asked:
        now += pause
        taken = min(wanted, bucket.available(now))
        assert taken >= 0
        bucket.take(taken)
        begun += [now] * taken
    for at in begun:
        assert sum(at <= each < at + 60.0 for each in begun) <= per_minute


@given(st.integers(1, 50), st.floats(0.0, 59.0))
def test_who_waits_as_long_as_it_says_may_begin(per_minute: int, pause: float) -> None:
    bucket, now = Bucket(per_minute), NOW
    for _ in range(100):
        left = bucket.available(now)
        if not left:
            now = bucket.next_at()
            assert bucket.available(now) > 0
        bucket.take(1)
        now += pause / 50


def test_a_clock_that_was_set_back_leaves_a_full_bucket() -> None:
    bucket = Bucket(20)
    assert bucket.available(NOW) == 5
    bucket.take(5)
    assert bucket.available(NOW - 3600.0) == 5


def test_what_may_go_goes_by_itself() -> None:
    groups, left = fold([claim(n) for n in range(3)], 3)
    assert (numbers(groups), left) == ([[0], [1], [2]], [])
    assert fold([], 3) == ([], [])


def test_the_last_message_takes_all_that_would_have_to_wait() -> None:
    groups, left = fold([claim(n) for n in range(9)], 3)
    assert (numbers(groups), left) == ([[0], [1], [2, 3, 4, 5, 6, 7, 8]], [])
    groups, left = fold([claim(n) for n in range(3)], 1)
    assert (numbers(groups), left) == ([[0, 1, 2]], [])


def test_a_digest_has_one_address() -> None:
    claims = [claim(n, address="ab"[n % 2]) for n in range(6)]
    groups, left = fold(claims, 3)
    assert (numbers(groups), left) == ([[0], [1, 3, 5], [2, 4]], [])
    groups, left = fold(claims, 1)
    assert (numbers(groups), numbers([left])) == ([[0, 2, 4]], [[1, 3, 5]])


@given(st.lists(st.sampled_from("abc"), max_size=20), st.integers(1, 10))
def test_every_page_is_in_one_place(addresses: list[str], messages: int) -> None:
    claims = [claim(n, address=address) for n, address in enumerate(addresses)]
    groups, left = fold(claims, messages)
    assert sorted([c for group in groups for c in group] + left) == claims
    assert len(groups) <= messages
    assert all(len({c.address for c in group}) == 1 for group in groups)
    assert not left or len(groups) == messages


RESOLVED = {"event": PageEvent.RESOLVED}


def over(claims: Sequence[Claim], *told: tuple[int, str]) -> list[int]:
    return [each.claim.alert for each in over_before_sent(claims, 1, set(told))]


def test_beginning_and_end_that_both_wait_are_worth_no_message() -> None:
    waiting = [claim(1), claim(2), claim(2, 1, **RESOLVED)]
    assert over(waiting) == [2, 2]
    assert over_before_sent(waiting, 3, set()) == []
    assert over(waiting, (2, "Wang Wu")) == [2, 2]


def test_who_knows_that_it_began_is_told_that_it_is_over() -> None:
    assert over([claim(2), claim(2, 1, **RESOLVED)], (2, "Li Si")) == []
    assert over([claim(1), claim(2, 1, **RESOLVED)]) == []
    other = claim(2, 1, **RESOLVED, recipient="Wang Wu")
    assert over([claim(2), other]) == []


def test_what_may_have_arrived_is_not_taken_back() -> None:
    tried = (Tried("mail", NOW, "timeout", "no answer"),)
    for begun in (claim(2, attempts=1), claim(2, tried=tried)):
        assert over([begun, claim(2, 1, **RESOLVED)]) == []


def decided(
    event: PageEvent, seq: int = 1, state: PageState = PageState.PENDING, to: str = "Li Si"
) -> Decided:
    return Decided(2, seq, to, event, state)


@pytest.mark.parametrize(
    ("waits", "later", "why"),
    [
        ("warning", "firing", "a later page said more"),
        ("warning", "repeat", "a later page said more"),
        ("warning", "resolved", "it was over before"),
        ("firing", "acknowledged", "somebody had taken it before"),
        ("firing", "resolved", "it was over before"),
        ("repeat", "acknowledged", "somebody had taken it before"),
        ("repeat", "resolved", "it was over before"),
        ("acknowledged", "resolved", "it was over before"),
    ],
)
def test_what_a_later_page_makes_untrue_is_not_sent(waits: str, later: str, why: str) -> None:
    one = claim(2, event=PageEvent(waits))
    for state in PageState:
        (found,) = superseded([one], [decided(PageEvent(later), state=state)])
        assert found == (one, why)
    other = decided(PageEvent(later))
    about_others = [other._replace(alert=3), other._replace(recipient="Wang Wu")]
    assert superseded([one], about_others) == []
    assert superseded([one._replace(seq=2)], [other]) == []  # that one was decided before


@pytest.mark.parametrize("waits", ["firing", "repeat"])
def test_that_it_still_holds_is_told_by_the_one_that_arrives(waits: str) -> None:
    one, again = claim(2, event=PageEvent(waits)), decided(PageEvent.REPEAT)
    for state in (PageState.PENDING, PageState.FAILED, PageState.DROPPED):
        assert superseded([one], [again._replace(state=state)]) == []
    (found,) = superseded([one], [again._replace(state=PageState.DELIVERED)])
    assert found == (one, "a later page said more")


@pytest.mark.parametrize("event", list(PageEvent))
def test_the_last_word_is_always_sent(event: PageEvent) -> None:
    before = [decided(each, 0, PageState.DELIVERED) for each in PageEvent]
    own = decided(event, 5)
    assert superseded([claim(2, 5, event=event)], [*before, own]) == []
