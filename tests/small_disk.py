"""A file system of a few hundred kilobytes, which only what runs on it can see."""

import subprocess
from pathlib import Path

import pytest

_INSIDE = ["unshare", "-rm", "sh", "-c"]


def run(disk: Path, kilobytes: int, command: str) -> subprocess.CompletedProcess[str]:
    """Make the folder `disk` such a file system for as long as the shell's `command` lasts."""
    if subprocess.run([*_INSIDE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces: sysctl -w kernel.unprivileged_userns_clone=1")
    disk.mkdir()
    return subprocess.run(
        [*_INSIDE, f"mount -t tmpfs -o size={kilobytes}k ctid {disk} && {command}"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
