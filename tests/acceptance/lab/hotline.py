"""Rows of the table that play on the hotline of dialplans/ itself."""

from .model import Call, Offer, Phone, Scenario
from .rows import NEVER, answered, missed, overflowed, phones


def _row(
    name: str,
    text: str,
    offers: tuple[Offer, ...],
    found: tuple[tuple[str, Phone], ...],
    *calls: Call,
) -> Scenario:
    """Its agents are 391 and 392 (see extensions_lab.conf)."""
    return Scenario(name, text, "", offers, found, calls, lock="hotline")


HOTLINE_ROWS = (
    _row(
        "hotline_menu_hangup",
        "the caller leaves in the menu",
        (Offer("not_offered", "8000", "ivr_hangup", offered=None),),
        (),
        Call("8000", todo="wait 1, bye"),
    ),
    _row(
        "hotline_menu_queue",
        "menu, queue, answered, recorded",
        (answered("391", line="hotline", offered="invite:391", recording=True),),
        phones(**{"391": Phone(0.7)}),
        Call("8000", todo="wait 1, dtmf 1, wait 3, bye"),
    ),
    _row(
        "hotline_overflow",
        "the desk does not come, the backup desk does",
        (
            overflowed("hotline", "391"),
            answered("392", line="hotline-backup", offered="invite:392", recording=True),
        ),
        phones(**{"391": NEVER, "392": Phone(0.7)}),
        Call("8001", todo="wait 4.5, bye"),
    ),
    _row(
        "hotline_voicemail",
        "nobody comes, the caller speaks to the voicemail",
        (
            overflowed("hotline", "391"),
            missed(
                "voicemail",
                line="hotline-backup",
                rung="392",
                by="caller",
                offered="invite:392",
                ended="over:392",
            ),
        ),
        phones(**{"391": NEVER, "392": NEVER}),
        Call("8001", todo="wait 8, bye"),
    ),
    _row(
        "hotline_key",
        "the caller prefers to leave a message",
        (
            missed(
                "voicemail",
                line="hotline",
                rung="391",
                by="caller",
                offered="invite:391",
                ended="over:391",
            ),
        ),
        phones(**{"391": NEVER}),
        Call("8001", todo="wait 1, dtmf 0, wait 3, bye"),
    ),
    _row(
        "hotline_after_hours",
        "the night switch is on",
        (Offer("not_offered", "8002", "after_hours", by="system", offered=None),),
        (),
        Call("8002"),
    ),
)
