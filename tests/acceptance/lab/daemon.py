"""`ctid run` as a real process, and a TCP proxy that can cut its connection to the PBX."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from asterisk.server import CTID_SECRET

from .compare import Row, read_records
from .config import Line, ctid_toml


class Ctid:
    """One daemon with its own folder and database, attached to an AMI port of 127.0.0.1.

    `more` goes into its `[[pbx]]` table, `tables` behind everything; its lines are those of the
    whole table of scenarios, or `lines`.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        more: str = "",
        username: str = "ctid",
        secret: str = CTID_SECRET,
        tables: str = "",
        lines: Iterable[Line] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        secret_file = folder / "ami.secret"
        secret_file.write_text(secret, encoding="ascii")
        secret_file.chmod(0o600)
        self.database = folder / "ctid.sqlite3"
        self.config = folder / "ctid.toml"
        more += f'\nusername = "{username}"'
        text = ctid_toml(port, secret_file, self.database, more, lines)
        self.config.write_text(text + tables, encoding="utf-8")
        self._log = folder / "ctid.log"
        self._log.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except AssertionError:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it is attached to the PBX."""
        before = self.count("pbx_attached")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ctid", "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_attached(before + 1)

    def wait_attached(self, times: int, seconds: float = 30.0) -> None:
        """Wait until it has said so many times that it is attached."""
        until = time.monotonic() + seconds
        while self.count("pbx_attached") < times:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"ctid ended: {self.log_tail()}")
            if time.monotonic() > until:
                raise AssertionError(f"ctid did not attach: {self.log_tail()}")
            time.sleep(0.05)

    def count(self, event: str) -> int:
        """How many of its log lines are of this event."""
        found = 0
        for line in self._log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                found += json.loads(line).get("event") == event
        return found

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(15.0)
        finally:
            self.kill()
        return code

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def records(self) -> list[Row]:
        """What it has recorded until now."""
        return read_records(self.database)

    def gaps(self) -> list[dict[str, Any]]:
        """The intervals in which it did not see the PBX."""
        return read_records(self.database, "gap")

    def deliveries(self) -> list[dict[str, Any]]:
        """Its ticket drafts, and how their deliveries stand."""
        return read_records(self.database, "outbox")

    def wait_records(self, number: int, seconds: float = 10.0) -> list[Row]:
        """The records, as soon as so many of them are there and closed."""
        until = time.monotonic() + seconds
        while True:
            rows = [row for row in self.records() if not row["open"]]
            if len(rows) >= number or time.monotonic() > until:
                return rows
            time.sleep(0.05)

    def log_tail(self, lines: int = 12) -> str:
        """The end of its log, for the message of a failed test."""
        return "\n".join(self._log.read_text(encoding="utf-8").splitlines()[-lines:])


class Proxy:
    """Passes TCP connections on to a port of 127.0.0.1, until cut; then it refuses them."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._cut = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        self.cut()
        with contextlib.suppress(OSError):
            # Wakes the thread that waits in accept().
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        self._listener.close()
        for thread in self._threads:
            thread.join(5.0)

    def cut(self) -> None:
        """Break what is connected, and whatever comes until resume()."""
        with self._lock:
            self._cut = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def resume(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._cut = False

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._cut:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target), 5.0)
                server.settimeout(None)
                self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                thread = threading.Thread(target=self._copy, args=(source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source:
            while more := source.recv(65536):
                sink.sendall(more)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
