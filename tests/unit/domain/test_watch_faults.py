"""Something of ours is wrong with one line or alert: the others are told all the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ctid.domain.alerts import Kind
from ctid.domain.conditions import Fault
from ctid.domain.roster import Person, Role
from tests.unit.domain.watching import HOUR, MINUTE, Names, Story


@dataclass
class Broken(Names):
    """Nobody can be found for these lines."""

    lines: set[str | None] = field(default_factory=lambda: {"bad"})

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:
        if line in self.lines:
            raise ZeroDivisionError(line)
        return super().on_duty(role, line, at)


def told_to(faults: list[tuple[Kind | None, str | None]]) -> Fault:
    def fault(kind: Kind | None, line: str | None, error: Exception) -> None:
        assert isinstance(error, ZeroDivisionError)
        faults.append((kind, line))

    return fault


def begun(lines: Iterable[str], faults: list[tuple[Kind | None, str | None]]) -> Story:
    story = Story(lines=lines, fault=told_to(faults))
    story.names = Broken(story.names.roles)
    return story


def test_an_alert_that_cannot_be_told_holds_up_no_other() -> None:
    faults: list[tuple[Kind | None, str | None]] = []
    story = begun(["bad", "network"], faults)
    assert isinstance(story.names, Broken)
    story.names.lines.clear()
    for line in ("bad", "network"):
        story.call(line, line)
    story.advance(15 * MINUTE)
    assert story.said() == ["warning Li", "warning Li", "firing Li", "firing Li"]
    # the first of them fails from now on
    story.names.lines.add("bad")
    story.advance(5 * MINUTE)
    assert story.said() == ["firing Wang"]
    assert faults == [(Kind.UNANSWERED, "bad")]
    # it is looked at again now and then, and not all the time
    story.advance(MINUTE - 1.0)
    assert faults == [(Kind.UNANSWERED, "bad")] * 6
    story.names.lines.clear()
    story.advance(1.0)
    assert story.said() == ["firing Wang"]
    (bad, network) = story.watch.alerting.open_alerts()
    assert (bad.line, bad.pages, network.pages) == ("bad", 3, 3)
    story.answer("bad")
    assert story.said() == ["resolved Li", "resolved Wang"]


def test_an_alert_that_fails_when_it_fires_is_told_later() -> None:
    faults: list[tuple[Kind | None, str | None]] = []
    story = begun(["bad", "network"], faults)
    assert isinstance(story.names, Broken)
    story.watch.incident("bad", "dark", "Zhou", story.now)
    assert (story.said(), faults) == ([], [(Kind.INCIDENT, "bad")])
    story.names.lines.clear()
    story.advance(9.0)
    assert story.said() == []
    story.advance(1.0)
    assert story.said() == ["firing Li"]


def test_a_line_that_cannot_be_looked_at_holds_up_no_other() -> None:
    faults: list[tuple[Kind | None, str | None]] = []
    story = begun(["bad", "network"], faults)
    for line in ("bad", "network"):
        story.call(line, line)
    story.advance(15 * MINUTE)
    # already whom to warn is not known
    assert set(faults) == {(None, "bad"), (Kind.UNANSWERED, "bad")}
    assert story.said() == ["warning Li", "firing Li"]
    story.advance(HOUR)
    assert len(faults) < 75 * 6 + 2
