"""Where the records are kept: the URL in [store], understood."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"


@dataclass(frozen=True, slots=True)
class Database:
    """Where the records are kept. `path` is the file of SQLite, None with PostgreSQL."""

    url: URL
    path: Path | None

    def __str__(self) -> str:
        """Name it for people, without a password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def database_at(url: str) -> Database:
    """Understand `sqlite:////path`, a plain path, or `postgresql://user@host/db`.

    Raises ValueError with one line that does not repeat a password.
    """
    if "://" not in url:
        return _sqlite_file(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        message = "not a database URL; write sqlite:////path/to/file or postgresql://user@host/db"
        raise ValueError(message) from None
    backend = parsed.get_backend_name()
    if backend == SQLITE:
        if parsed.host:
            # sqlite://tmp/x.db: two slashes would make a host of the path's beginning
            name = "/".join(filter(None, (parsed.host, parsed.database)))
            message = f"a slash is missing: write sqlite:////{name}, with four before a whole path"
            raise ValueError(message)
        return _sqlite_file(parsed.database or "")
    if backend == POSTGRESQL:
        if importlib.util.find_spec("asyncpg") is None:
            message = "PostgreSQL needs asyncpg; install it beside ctid: pip install asyncpg"
            raise ValueError(message)
        return Database(parsed.set(drivername="postgresql+asyncpg"), None)
    message = f"{backend}: databases are sqlite or postgresql"
    raise ValueError(message)


def _sqlite_file(name: str) -> Database:
    if name in ("", ":memory:"):
        message = "SQLite needs a file: sqlite:////path/to/file"
        raise ValueError(message)
    path = Path(name).absolute()
    return Database(URL.create("sqlite+aiosqlite", database=str(path)), path)
