"""Where the daemon's control socket is: the same answer for the daemon and for who asks it."""

from collections.abc import Mapping
from pathlib import Path

from ctid.config import Config
from ctid.store.address import database_at

NAME = "control.sock"
# where systemd/ctid.service puts it; a person's shell does not have its $RUNTIME_DIRECTORY
_SERVICE = Path("/run/ctid") / NAME


def of_daemon(config: Config, environ: Mapping[str, str]) -> Path | None:
    """Where the daemon listens. None: only `[control] socket` could say."""
    if config.control.socket:
        return Path(config.control.socket)
    if environ.get("RUNTIME_DIRECTORY"):
        return Path(environ["RUNTIME_DIRECTORY"].partition(":")[0]) / NAME
    path = database_at(config.store.url).path
    return path.with_name(NAME) if path is not None else None


def of_client(config: Config, environ: Mapping[str, str]) -> Path:
    """Where a command finds it: as the daemon would, but the service's place where it exists."""
    found = of_daemon(config, environ)
    named = config.control.socket or environ.get("RUNTIME_DIRECTORY")
    if found is None or (not named and not found.exists() and _SERVICE.parent.exists()):
        return _SERVICE
    return found
