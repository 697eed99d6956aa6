"""The lab's own small AMI client, and a recorder of raw streams. Blocking sockets, one thread each.

It is not ctid's client on purpose: the truth and what drives the scenarios must not share its code.
"""

import contextlib
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class AmiError(Exception):
    """The server refused, fell silent or closed the connection."""


class LabAmi:
    """A logged-in connection that sends actions and reads messages one by one."""

    def __init__(self, host: str, port: int, username: str, secret: str) -> None:
        self._socket = socket.create_connection((host, port), 5.0)
        self._buffer = b""
        self._events: list[dict[str, str]] = []
        self._serial = 0
        try:
            self._read_until(b"\r\n", 5.0)
            answer = self.action("Login", Username=username, Secret=secret)
        except BaseException:
            self._socket.close()
            raise
        if answer.get("Response") != "Success":
            self._socket.close()
            raise AmiError(answer.get("Message", "login refused"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection without a logoff."""
        self._socket.close()

    def send(self, action: str, **headers: str) -> str:
        """Send an action; gives its ActionID."""
        self._serial += 1
        identity = f"lab-{self._serial}"
        lines = [f"Action: {action}", f"ActionID: {identity}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return identity

    def action(self, action: str, **headers: str) -> dict[str, str]:
        """Send an action and give its response; events that come between are kept."""
        identity = self.send(action, **headers)
        until = time.monotonic() + 5.0
        while True:
            message = self._next(until)
            if message.get("ActionID") == identity and "Response" in message:
                return message
            self._events.append(message)

    def rows(self, action: str, **headers: str) -> list[dict[str, str]]:
        """Send an action that answers with a list; gives the list's events."""
        identity = self.send(action, **headers)
        until = time.monotonic() + 5.0
        found: list[dict[str, str]] = []
        while True:
            message = self._next(until)
            # The rows of ParkedCalls have no ActionID; what comes by itself has a Privilege.
            if message.get("ActionID", identity) != identity or "Privilege" in message:
                self._events.append(message)
            elif message.get("EventList") == "Complete":
                return found
            elif "Event" in message:
                found.append(message)
            elif message.get("Response") == "Error":
                raise AmiError(message.get("Message", "refused"))

    def wait_event(self, name: str, seconds: float) -> dict[str, str]:
        """The next event of this name."""
        until = time.monotonic() + seconds
        while True:
            message = self._events.pop(0) if self._events else self._next(until)
            if message.get("Event") == name:
                return message

    def wait_closed(self, seconds: float) -> None:
        """Wait until the server has closed the connection."""
        until = time.monotonic() + seconds
        try:
            while True:
                self._next(until)
        except AmiError:
            if time.monotonic() > until:
                raise

    def channels(self) -> list[dict[str, str]]:
        """All channels that are up now (CoreShowChannels)."""
        return self.rows("CoreShowChannels")

    def _next(self, until: float) -> dict[str, str]:
        raw = self._read_until(b"\r\n\r\n", until - time.monotonic())
        message: dict[str, str] = {}
        for line in raw.decode(errors="replace").split("\r\n"):
            key, _, value = line.partition(":")
            message.setdefault(key.strip(), value.strip())
        return message

    def _read_until(self, end: bytes, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        while end not in self._buffer:
            left = until - time.monotonic()
            if left <= 0:
                raise AmiError("the server is silent")
            self._socket.settimeout(left)
            try:
                more = self._socket.recv(65536)
            except TimeoutError:
                raise AmiError("the server is silent") from None
            except OSError as error:
                raise AmiError(str(error)) from error
            if not more:
                raise AmiError("the server closed the connection")
            self._buffer += more
        part, self._buffer = self._buffer.split(end, 1)
        return part


class Recorder:
    """Writes every byte that one manager user is sent into a file, from the greeting on."""

    def __init__(self, host: str, port: int, username: str, secret: str, file: Path) -> None:
        self._socket = socket.create_connection((host, port), 5.0)
        self._socket.sendall(
            f"Action: Login\r\nUsername: {username}\r\nSecret: {secret}\r\n\r\n".encode()
        )
        self._file = file
        self._tail = b""
        self._booted = threading.Event()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()
        if not self._booted.wait(10.0):
            raise AmiError(f"{username} got no FullyBooted")

    def ask(self, *actions: str) -> None:
        """Send actions; their answers go into the file as well."""
        for action in actions:
            self._socket.sendall(f"Action: {action}\r\nActionID: ask-{action}\r\n\r\n".encode())

    def close(self) -> None:
        """Stop recording and wait until the file is complete."""
        # If the server was faster, all it sent is in the file already.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)
        self._socket.close()

    def _copy(self) -> None:
        with self._file.open("wb") as out:
            while True:
                try:
                    more = self._socket.recv(65536)
                except OSError:
                    return
                if not more:
                    return
                out.write(more)
                out.flush()
                if not self._booted.is_set():
                    self._tail += more
                    if b"FullyBooted" in self._tail:
                        self._booted.set()
