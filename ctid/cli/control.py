"""Asking the running daemon over its control socket: for every command that needs it."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from ctid.cli.common import fail
from ctid.config import Config
from ctid.web import socket_path

_TIMEOUT_SECONDS = 30.0


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


def request(config: Config, method: str, route: str, body: object = None) -> Any:
    """The same for commands that can do without the daemon. Raises NotAnsweredError."""
    path = socket_path.of_client(config, os.environ)
    connection = _Connection(path)
    try:
        connection.request(method, route, None if body is None else json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read())
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
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotAnsweredError(f"{path}: {why}") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise NotAnsweredError(str(answer.get("error", f"the daemon answered {response.status}")))
    return answer
