"""Who is paged in `paging`: a webhook in a process of its own.

It prints its port, then for each request one JSON line: `at` (Unix seconds at which its first bytes
came), `key` (the Idempotency-Key), and the `pages` in it.
"""

import asyncio
import contextlib
import sys
import time
from typing import Any, Final

import orjson

_HEAD: Final = b"\r\n\r\n"
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Receiver(asyncio.Protocol):
    """One connection; requests come one after the other, each with a Content-Length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._data = b""
        self._at = 0.0

    def data_received(self, data: bytes) -> None:
        if not self._data:
            self._at = time.time()
        self._data += data
        head, found, body = self._data.partition(_HEAD)
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        headers = {name.lower(): value.strip() for name, _, value in lines}
        if found and len(body) == int(headers.get(b"content-length", 0)):
            self._transport.write(_OK)
            self._data = b""
            if body:
                _tell(self._at, headers[b"idempotency-key"].decode(), orjson.loads(body))


def _tell(at: float, key: str, document: dict[str, Any]) -> None:
    pages = [
        {
            "key": page["key"],
            "event": page["event"],
            "kind": page["kind"],
            "line": page["line"] and page["line"]["name"],
            "recipient": page["recipient"],
            "decided_at": page["decided_at"],
        }
        for page in document["pages"]
    ]
    sys.stdout.buffer.write(orjson.dumps({"at": at, "key": key, "pages": pages}) + b"\n")
    sys.stdout.flush()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(main())
