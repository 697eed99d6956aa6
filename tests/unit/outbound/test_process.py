"""The `process_*` metrics: those of prometheus_client, but from less of /proc."""

import os
import subprocess
import sys
import time

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client import ProcessCollector as TheirCollector

from ctid.outbound.process import ProcessCollector

PRINT = (
    "from prometheus_client import CollectorRegistry, generate_latest\n"
    "from ctid.outbound.process import ProcessCollector\n"
    "registry = CollectorRegistry(auto_describe=False)\n"
    "registry.register(ProcessCollector())\n"
    "print(generate_latest(registry).decode())\n"
)
# what ProcSubset=pid of the unit does
ONLY_PROCESSES = 'mount -t proc -o subset=pid proc /proc && exec "$@"'


def test_they_are_those_of_prometheus_client() -> None:
    ours = {metric.name: metric for metric in ProcessCollector().collect()}
    theirs = {metric.name: metric for metric in TheirCollector(registry=None).collect()}
    assert {name: (one.type, one.documentation) for name, one in ours.items()} == {
        name: (one.type, one.documentation) for name, one in theirs.items()
    }
    # btime is whole seconds
    for name, near in (("process_start_time_seconds", 1.5), ("process_max_fds", 0)):
        (mine,), (other,) = ours[name].samples, theirs[name].samples
        assert mine.value == pytest.approx(other.value, abs=near, rel=0)


def test_values_are_those_of_this_process() -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ProcessCollector())

    def value(name: str) -> float:
        found = registry.get_sample_value(name)
        assert found is not None
        return found

    before = value("process_open_fds")
    more = os.open("/dev/null", os.O_RDONLY)
    assert value("process_open_fds") == before + 1
    os.close(more)
    assert 1e6 < value("process_resident_memory_bytes") < value("process_virtual_memory_bytes")
    assert value("process_cpu_seconds_total") == pytest.approx(time.process_time(), abs=1)
    assert value("process_start_time_seconds") < time.time()


def test_under_the_unit_nothing_is_missing() -> None:
    inside = ["unshare", "-rmpf", "sh", "-c", ONLY_PROCESSES, "sh"]
    if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces for a /proc of its own (it needs Linux 5.8)")
    done = subprocess.run(
        [*inside, sys.executable, "-c", PRINT], capture_output=True, text=True, check=True
    )
    found = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("process_")}
    assert found == {
        *("process_cpu_seconds_total", "process_start_time_seconds"),
        *("process_resident_memory_bytes", "process_virtual_memory_bytes"),
        *("process_open_fds", "process_max_fds"),
    }
