"""The `process_*` metrics, from nothing but /proc/self: prometheus_client's needs /proc/stat.

The unit hides that (`ProcSubset=pid`). Names and types are those of prometheus_client, so that
dashboards made for it fit.
"""

import functools
import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SELF = Path("/proc/self")
_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/self/stat behind the name of the program: see proc(5), 14, 15, 22, 23, 24.
_UTIME, _STIME, _START, _VSIZE, _RSS = 11, 12, 19, 20, 21


class ProcessCollector(Collector):
    """What the process uses; without a /proc nothing, rather than no page at all."""

    def collect(self) -> Iterable[Metric]:
        try:
            fields = _stat()
            open_fds = len(os.listdir(_SELF / "fd"))  # noqa: PTH208 - names are enough
        except OSError:
            return
        yield CounterMetricFamily(
            "process_cpu_seconds",
            "Total user and system CPU time spent in seconds.",
            value=(int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS,
        )
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        for name, help_text, value in (
            ("virtual_memory_bytes", "Virtual memory size in bytes.", int(fields[_VSIZE])),
            (
                "resident_memory_bytes",
                "Resident memory size in bytes.",
                int(fields[_RSS]) * resource.getpagesize(),
            ),
            (
                "start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                _started_at(),
            ),
            ("open_fds", "Number of open file descriptors.", open_fds),
            (
                "max_fds",
                "Maximum number of open file descriptors.",
                float("inf") if limit == resource.RLIM_INFINITY else limit,
            ),
        ):
            yield GaugeMetricFamily(f"process_{name}", help_text, value=value)


def _stat() -> list[bytes]:
    # the name stands in brackets and may hold anything
    return (_SELF / "stat").read_bytes().rpartition(b")")[2].split()


@functools.cache
def _started_at() -> float:
    """When the process began, Unix seconds."""
    # found once: a value that moves with each setting of the clock would look like restarts
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    return round(time.time() - up + int(_stat()[_START]) / _TICKS, 2)
