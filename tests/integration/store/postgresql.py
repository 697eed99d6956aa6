"""A private PostgreSQL server: own data directory, loopback only, gone with the test run."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg

MISSING = "PostgreSQL's server is not installed: apt-get install postgresql-15"
_SECONDS = 60


def programs() -> Path | None:
    """The folder of initdb and pg_ctl of the newest version; None if there is no server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    in_path = shutil.which("initdb")
    return Path(in_path).parent if in_path else None


def _version(initdb: Path) -> int:
    name = initdb.parent.parent.name
    return int(name) if name.isdigit() else 0


@dataclass(frozen=True)
class Server:
    port: int
    stop: Callable[[], None]
    start: Callable[[], None]

    def url(self, name: str) -> str:
        return f"postgresql://ctid@127.0.0.1:{self.port}/{name}"

    async def execute(self, statement: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user="ctid", database=database
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, template: str) -> AsyncIterator[str]:
        """The URL of a copy, which is gone in the end."""
        name = f"ctid_{uuid4().hex}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield self.url(name)
        await self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def server(bin_folder: Path) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="ctid-pg-", dir="/tmp"))
    prefix: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses root
        shutil.chown(folder, "nobody")
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*prefix, str(bin_folder / program), *arguments],
            check=True,
            cwd=folder,
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
        )

    try:
        initdb = ["-D", str(data), "-A", "trust", "-U", "ctid", "-E", "UTF8", "--no-sync"]
        run("initdb", *initdb, "--no-instructions")
        port = _free_port()
        options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off -c max_connections=30"

        def start() -> None:
            log = str(folder / "log")
            run("pg_ctl", "-D", str(data), "-l", log, "-w", "-o", options, "start")

        def stop() -> None:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")

        start()
        try:
            yield Server(port, stop, start)
        finally:
            stop()
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
