"""`ctid check-...` in a process of its own, beside servers of the test."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path


async def checked(folder: Path, config: str, token: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr. `token` is what the file of that name holds."""
    (folder / "ctid.toml").write_text(config)
    for name, secret in (("secret", "x"), ("token", token)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ctid", *arguments),
        *("--config", str(folder / "ctid.toml")),
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
