"""The table of scenarios: what callers and agents do, and what ctid has to record of it."""

from .direct import DIRECT_ROWS
from .hotline import HOTLINE_ROWS
from .moved import MOVED_ROWS
from .queued import QUEUE_ROWS

TABLE = (*DIRECT_ROWS, *QUEUE_ROWS, *MOVED_ROWS, *HOTLINE_ROWS)

NAMES = tuple(scenario.name for scenario in TABLE)
