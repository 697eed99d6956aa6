"""Which calls ctid cannot have overlooked: those that began while it saw the PBX."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

_ATTACHED_SECONDS: Final = 0.2
_READ_SECONDS: Final = 1.0
"""So long before a kill, what the PBX sent was read and on disk, also on a busy machine."""


def overlooked(
    begun: Mapping[int, float], recorded: Iterable[str], log: Path, kills: Iterable[float]
) -> Iterator[int]:
    """Give the numbers of calls that have no record though they began in sight.

    `begun` has when each call began, `kills` when ctid was killed (Unix seconds); `recorded` are
    the ids of recorded calls, in which the simulated PBX writes their numbers.
    """
    seen = {int(uniqueid.partition(".")[2]) // 1000 for uniqueid in recorded}
    sights = list(_sights(log, sorted(kills)))
    for number, at in begun.items():
        in_sight = any(
            since + _ATTACHED_SECONDS < at < until - _READ_SECONDS for since, until in sights
        )
        if in_sight and number not in seen:
            yield number


def _sights(log: Path, kills: list[float]) -> Iterator[tuple[float, float]]:
    for line in log.read_text().splitlines():
        if '"event":"pbx_attached"' not in line:
            continue
        since = datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
        yield since, min((kill for kill in kills if kill > since), default=math.inf)
