"""Asking the running daemon over its control socket: for every command that needs it."""

import http.client
import json
import os
import select
import socket
from pathlib import Path
from typing import Any

import typer

from ctid.cli.common import fail, fail_no_text
from ctid.config import Config
from ctid.web import socket_path

_TIMEOUT_SECONDS = 30.0
# What may take minutes, with many calls: it is waited for, however long.
_LONG = frozenset({"/v1/forget"})


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("ctid", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class NotAnsweredError(Exception):
    """The daemon may not be asked, did not answer, or refused; the message says what helps."""


class NoDaemonError(NotAnsweredError):
    """None is running."""


def ask(config: Config, method: str, route: str, body: object = None) -> Any:
    """What the daemon answers, from JSON. Ends the command where it does not, or refuses."""
    try:
        return request(config, method, route, body)
    except NotAnsweredError as error:
        fail(str(error))
    except UnicodeEncodeError:
        fail_no_text()


def request(
    config: Config,
    method: str,
    route: str,
    body: object = None,
    *,
    patience_seconds: float = _TIMEOUT_SECONDS,
) -> Any:
    """The same for commands that can do without the daemon.

    Raises NotAnsweredError, and UnicodeEncodeError for a body that is no text.
    """
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    path = socket_path.of_client(config, os.environ)
    connection = _Connection(path)
    try:
        connection.request(method, route, data)
        if route in _LONG:
            _wait(connection.sock, patience_seconds)
        response = connection.getresponse()
        answer = response.read()
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoDaemonError(
            f"{path}: no daemon answers there; is ctid running (systemctl status ctid)?"
        ) from None
    except PermissionError:
        raise NotAnsweredError(
            f"{path}: no right to it: run this as root or as a member of ctid's group"
        ) from None
    except TimeoutError:
        raise NotAnsweredError(f"{path}: the daemon does not answer; see its log") from None
    except (ConnectionError, http.client.IncompleteRead):
        raise NotAnsweredError(f"{path}: {_ended(method)}") from None
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotAnsweredError(f"{path}: {why}") from None
    finally:
        connection.close()
    return _understood(path, response.status, answer)


def _wait(answering: socket.socket, patience_seconds: float) -> None:
    if not select.select([answering], [], [], patience_seconds)[0]:
        typer.echo("ctid: this takes long; the daemon is still at it", err=True)
        select.select([answering], [], [])


def _ended(method: str) -> str:
    if method == "GET":
        return "the daemon ended before it answered; ask again once it runs"
    return (
        "the daemon ended before it answered: part of it may be done; "
        "ask again once it runs (systemctl status ctid)"
    )


def _understood(path: Path, status: int, answer: bytes) -> Any:
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    if status == http.client.OK and found is not None:
        return found
    why = found.get("error") if isinstance(found, dict) else None
    raise NotAnsweredError(str(why or f"{path}: the daemon answered {status}; see its log"))
