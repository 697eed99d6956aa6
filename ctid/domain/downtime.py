"""What nobody saw because ctid did not run. Pure. All times are Unix seconds."""

from collections.abc import Iterator

from ctid.domain.alerts import Kind
from ctid.domain.conditions import Condition
from ctid.domain.duty import after_on_duty
from ctid.domain.lines_known import Lines


def blind_meanwhile(lines: Lines, down: tuple[float, float]) -> Iterator[Condition]:
    """The lines that had duty hours for longer than they may be out of sight."""
    began_at, until = down
    for name, line in lines.rules.items():
        due = after_on_duty(line.duty, began_at, line.blind_seconds, line.zone)
        if due <= until:
            yield Condition(Kind.BLIND, name, None, began_at, due)
