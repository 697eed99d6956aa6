"""Who is paged: a web server on a port of its own that keeps what ctid posts to it."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self


class Arrived(NamedTuple):
    """One page of a message: when it came (Unix seconds), its part, and the text around it."""

    at: float
    page: dict[str, Any]
    text: str

    @property
    def subject(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page["subject"]
        return found


class Pager:
    """Takes every page; `url` is where."""

    def __init__(self) -> None:
        self._arrived: list[Arrived] = []
        self._changed = threading.Condition()
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                pager.take(time.time(), json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Not to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def take(self, at: float, document: dict[str, Any]) -> None:
        """One message has come."""
        with self._changed:
            self._arrived += [Arrived(at, page, document["text"]) for page in document["pages"]]
            self._changed.notify_all()

    def pages(self, line: str) -> list[Arrived]:
        """All pages about this line, in the order in which they came."""
        with self._changed:
            return [one for one in self._arrived if (one.page["line"] or {}).get("name") == line]

    def wait(
        self, line: str, event: str, kind: str = "unanswered", seconds: float = 20.0
    ) -> Arrived:
        """The first page about the line that is of this event and kind."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for one in self.pages(line):
                    if (one.page["kind"], one.page["event"]) == (kind, event):
                        return one
                left = end - time.monotonic()
                if left <= 0:
                    came = [(o.page["kind"], o.page["event"]) for o in self.pages(line)]
                    raise AssertionError(f"no {kind} {event} about {line}; came: {came}")
                self._changed.wait(left)
