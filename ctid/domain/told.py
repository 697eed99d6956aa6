"""What was decided about alerts, and has to be written."""

from typing import Final, NamedTuple

from ctid.domain.alerts import Alert, Page, Silence


class Told(NamedTuple):
    """What has to be written, the newest state of each alert once."""

    alerts: tuple[Alert, ...] = ()
    pages: tuple[Page, ...] = ()
    silences: tuple[Silence, ...] = ()


NOTHING_TOLD: Final = Told()
