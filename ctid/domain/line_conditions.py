"""What is wrong on a line now: nobody answers, one caller waits for long, a PBX is out of sight.

Pure. It warns of it, has it fire or ends it, and says when to look again. All times are Unix
seconds of the daemon.
"""

from ctid.domain.alerting import Alerting
from ctid.domain.alerts import Ending, Kind, Warned
from ctid.domain.conditions import Condition
from ctid.domain.limits import blind_at, limit_at, longest_wait_at, warning_at
from ctid.domain.lines_known import Lines
from ctid.domain.unanswered import SLACK_SECONDS


class LineConditions:
    """Of all `lines`; what is found goes to `alerting`."""

    def __init__(self, lines: Lines, alerting: Alerting) -> None:
        self._lines = lines
        self._alerting = alerting

    def evaluate(self, name: str, now: float) -> list[float]:
        """Look at a line; the times at which to look again, if nothing happens before."""
        return [*self._clock(name, now), *self._wait(name, now), *self._sight(name, now)]

    def _clock(self, name: str, now: float) -> list[float]:
        line, reading = self._lines.rules[name], self._lines.reading(name)
        key = (Kind.UNANSWERED, name, None)
        alert = self._alerting.about(key)
        if alert is not None and reading.is_over(alert.since):
            closed_at, ending, by = reading.closing
            # closed before it began: all who were meant were taken out
            ending = ending if closed_at >= alert.since else Ending.TAKEN_OUT
            self._alerting.end(key, now, ending, by)
            alert = None
        if reading.since is None:
            return []
        fires_at = limit_at(line.duty, line.zone, reading.since, line.limit_seconds)
        warns_at = warning_at(line.duty, line.zone, reading.since, line.warning_seconds)
        warns_at = min(warns_at, fires_at)  # a limit shorter than the warning is kept without one
        condition = Condition(*key, reading.since, fires_at)
        if alert is not None:
            mark = warns_at if isinstance(alert.state, Warned) else fires_at
            if now < mark - SLACK_SECONDS:
                # its first callers were taken out, or the limit is another one
                self._alerting.end(key, now, Ending.TAKEN_OUT)
            else:
                self._alerting.correct(condition, now)
        if now >= fires_at:
            self._alerting.fire(condition, now)
            return []
        if now >= warns_at:
            self._alerting.warn(condition, now)
            return [fires_at]
        return [warns_at]

    def _wait(self, name: str, now: float) -> list[float]:
        """One caller waits while others are served; if nobody is, the clock says so already."""
        line, reading = self._lines.rules[name], self._lines.reading(name)
        key = (Kind.LONGEST_WAIT, name, None)
        waiting = [offer for offer in reading.waiting if offer.counts]
        oldest = min(waiting, key=lambda offer: offer.at, default=None)
        alert = self._alerting.about(key)
        if alert is not None and (oldest is None or abs(oldest.at - alert.since) > SLACK_SECONDS):
            self._alerting.end(key, now, Ending.LEFT)
        if oldest is None:
            return []
        # whoever closed the clock knows of those who waited then
        known_at = max(oldest.at, self._lines.closed.get(name, oldest.at))
        if reading.since is not None and reading.since <= known_at:
            return []
        fires_at = longest_wait_at(line.duty, line.zone, oldest.at, line.longest_wait_seconds)
        if now < fires_at:
            return [fires_at]
        condition = Condition(*key, oldest.at, fires_at)
        self._alerting.correct(condition, now)
        self._alerting.fire(condition, now)
        return []

    def _sight(self, name: str, now: float) -> list[float]:
        line = self._lines.rules[name]
        key = (Kind.BLIND, name, None)
        open_gaps = self._lines.open_gaps
        if not open_gaps:
            self._alerting.end(key, now, Ending.RECOVERED)
            return []
        since = min(gap.began_at for gap in open_gaps)
        fires_at = blind_at(line.duty, line.zone, since, line.blind_seconds)
        if now < fires_at:
            return [fires_at]
        self._alerting.fire(Condition(*key, since, fires_at), now)
        return []
