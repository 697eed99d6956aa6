"""The peer of a measured client: a process of its own that sends one stream as fast as it can."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ctid.sim.template import GREETING

GO = b"Action: Ping\r\nActionID: go\r\n\r\n"


@contextlib.contextmanager
def serving(stream: Path) -> Iterator[int]:
    """Serve a file to every client that connects; gives the port."""
    command = [sys.executable, "-m", "tests.benchmarks.server", str(stream)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _serve(stream: bytes) -> None:
    data = memoryview(stream)

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(GREETING)
            # panoramisk is not ready for events before its `connect` has returned.
            await reader.readuntil(GO)
            for start in range(0, len(data), 1 << 20):
                writer.write(data[start : start + (1 << 20)])
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(send, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]).read_bytes()))
