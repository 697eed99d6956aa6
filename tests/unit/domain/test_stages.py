"""Where a caller stands while a recorded call goes by."""

import pytest

from ctid.domain.stages import Stage, stage
from ctid.domain.tracker import Tracker
from ctid.replay import events_of
from tests import lab, truth


def stages(name: str) -> list[Stage | None]:
    """Of the only call, in order, without repetitions; None: it is over."""
    tracker = Tracker(lab.PBX, lab.directory())
    seen: list[Stage | None] = []
    for path in truth.files(name):
        for event in events_of(path):
            tracker.receive(event)
            now = stage(tracker.open_calls[0]) if tracker.open_calls else None
            if not seen or seen[-1] is not now:
                seen.append(now)
    return seen


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("direct_answered", [Stage.WAITING, Stage.RINGING, Stage.TALKING]),
        # the phones fall silent before the caller is gone
        ("direct_cancel", [Stage.WAITING, Stage.RINGING, Stage.WAITING]),
        ("ivr_hangup", []),
    ],
)
def test_the_stages_come_in_their_order(name: str, expected: list[Stage]) -> None:
    found = [one for one in stages(name) if one is not None and one is not Stage.OTHER]
    assert found == expected


def test_hold_is_still_talking() -> None:
    assert stages("direct_hold").count(Stage.TALKING) == 1
