"""What waits for its commit while the disk is full: alerts and pages are never given up."""

from ctid.domain.alerts import Acknowledged, Warned
from ctid.domain.batch import Batch
from ctid.domain.policy import Decided
from ctid.domain.tracker import Changes
from ctid.pending import Pending
from tests.alerts import LIMIT, alert, over, page, silence
from tests.integration.store import samples


def records(*numbers: int) -> Changes:
    return Changes(records=tuple(samples.answered(n) for n in numbers), facts=(), open_calls=())


def test_the_newest_state_of_each_once() -> None:
    pending = Pending(10)
    pending.add_decided(Decided(alerts=(alert(state=Warned(1.0)), alert(2)), pages=(page(),)))
    pending.add_decided(Decided(alerts=(alert(),), pages=(page(seq=1),), silences=(silence(),)))
    assert pending
    batch = pending.take()
    assert batch == Batch(
        alerts=(alert(), alert(2)), pages=(page(), page(seq=1)), silences=(silence(),)
    )
    assert not pending


def test_what_comes_back_is_older_than_what_came_meanwhile() -> None:
    pending = Pending(10)
    pending.add_decided(Decided(alerts=(alert(state=Warned(1.0)),), silences=(silence(),)))
    failed = pending.take()
    pending.add_decided(Decided(alerts=(alert(),), pages=(page(),)))
    pending.give_back(failed)
    assert pending.take() == Batch(alerts=(alert(),), pages=(page(),), silences=(silence(),))


def test_who_acknowledged_is_written_before_the_end_whatever_waits() -> None:
    taken, ended = alert(state=Acknowledged(LIMIT, LIMIT + 5.0, "Li Si")), over()
    pending = Pending(10)
    pending.add_decided(Decided(alerts=(alert(), alert(2))))
    pending.add_decided(Decided(alerts=(taken,)))
    failed = pending.take()
    assert failed.alerts == (alert(), alert(2), taken)
    pending.add_decided(Decided(alerts=(ended,)))
    pending.give_back(failed)
    assert pending.take().alerts == (alert(2), taken, ended)
    pending.add_decided(Decided(alerts=(taken,)))
    pending.add_decided(Decided(alerts=(ended,)))
    assert pending.take().alerts == (taken, ended)


def test_they_stay_when_records_are_given_up() -> None:
    pending = Pending(5)
    pages = tuple(page(n) for n in range(100))
    alerts = tuple(alert(n) for n in range(100))
    pending.add(records(1), Decided(alerts=alerts, pages=pages, silences=(silence(),)))
    pending.add(records(*range(2, 30)))
    pending.give_back(pending.take())
    batch = pending.take()
    assert pending.dropped == 24
    assert (batch.alerts, batch.pages, batch.silences) == (alerts, pages, (silence(),))
