"""`python -m tests.benchmarks.memory PORT CALLS`: the memory that many open calls take."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.to_disk import ctid, peak_kib


def _prepare(database: Path) -> None:
    """Make the tables in another process: what that takes is gone after the first start."""
    code = "import asyncio, sys; from ctid.store import migrate; "
    code += "asyncio.run(migrate.upgrade(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(database)], check=True)


async def _main(port: int, calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.sqlite3"
        _prepare(database)
        await ctid(port, database, lambda: None)
        connection = sqlite3.connect(database)
        ((found,),) = connection.execute("SELECT count(*) FROM open_call")
        connection.close()
    if found != calls:
        sys.exit(f"{found} of {calls} calls are open")
    print(json.dumps({"kib": peak_kib(), "open": found}))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
