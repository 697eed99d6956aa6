"""`ctid` as it is typed, in a process of its own."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path


async def ran(config: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    return await _communicate(config, arguments, PIPE, 90)


async def ran_aloud(config: Path, *arguments: str, seconds: float) -> tuple[int, str]:
    """Exit status and all that it said, in its order; `seconds` is how long it may take."""
    status, out, _ = await _communicate(config, arguments, STDOUT, seconds)
    return status, out


async def _communicate(
    config: Path, arguments: tuple[str, ...], stderr: int, seconds: float
) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ctid", *arguments, "--config", str(config)),
        stdout=PIPE,
        stderr=stderr,
    )
    out, err = await asyncio.wait_for(process.communicate(), seconds)
    assert process.returncode is not None
    return process.returncode, out.decode(), (err or b"").decode()
