"""Clients on the byte path, each run in a process of its own: from the socket to events in hand.

`python -m tests.benchmarks.bytes_path CLIENT PORT` connects, reads to the end, and prints what it
took as JSON. CPU is that of this process, from the connection on.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import panoramisk

from ctid.ami.client import Client
from ctid.ami.decode import Decoder
from tests.benchmarks.server import GO

# What ctid needs, as panoramisk's patterns.
PATTERNS = ("New*", "Hangup*", "Dial*", "Bridge*", "Queue*", "*Hold", "*Transfer", "VarSet")


async def counter(port: int) -> int:
    """Only count the ends of events: what asyncio itself costs."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    class Counter(asyncio.Protocol):
        count = 0
        edge = b""

        def data_received(self, data: bytes) -> None:
            self.count += data.count(b"\r\n\r\n") + (self.edge + data[:3]).count(b"\r\n\r\n")
            self.edge = data[-3:]

        def connection_lost(self, _exc: Exception | None) -> None:
            ended.set_result(None)

    transport, protocol = await loop.create_connection(Counter, "127.0.0.1", port)
    transport.write(GO)
    await ended
    return protocol.count


async def ctid(port: int) -> int:
    """All events read and checked, those that matter made domain events."""
    decoder = Decoder()
    client = Client(decoder, time.time, max_queued=1_000_000)
    await client.open("127.0.0.1", port, None, None)
    client.protocol.transport.write(GO)
    taken = 0
    while client.ended is None:
        await client.wake.wait()
        client.wake.clear()
        taken += len(client.take())
    counters = decoder.counters
    return taken + counters.skipped


async def stock(port: int, patterns: tuple[str, ...]) -> int:
    """Panoramisk as it comes, with a callback that counts."""
    ended = asyncio.Event()
    manager = panoramisk.Manager(
        host="127.0.0.1",
        port=port,
        on_disconnect=lambda _manager, _error: ended.set(),
        reconnect_timeout=3600,
        loop=asyncio.get_running_loop(),
    )
    seen = 0

    def take(_manager: object, _event: object) -> None:
        nonlocal seen
        seen += 1

    for pattern in patterns:
        manager.register_event(pattern, take)
    await manager.connect()
    manager.protocol.transport.write(GO)
    await ended.wait()
    manager.close()
    return seen


CLIENTS: dict[str, Callable[[int], Awaitable[int]]] = {
    "counter": counter,
    "ctid": ctid,
    "panoramisk": lambda port: stock(port, ("*",)),
    "panoramisk, 8 patterns": lambda port: stock(port, PATTERNS),
}


def _peak_kib() -> int:
    """Peak resident memory. `ru_maxrss` would begin at that of the process which started us."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


async def _main(name: str, port: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    events = await CLIENTS[name](port)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result = {"events": events, "seconds": seconds, "cpu": cpu, "kib": _peak_kib()}
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
