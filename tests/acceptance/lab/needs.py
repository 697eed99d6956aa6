"""What the lab needs that a checkout does not bring."""

import shutil

import pytest
from asterisk import fetch


def need(major: str) -> None:
    """Skip, naming the command that mends it, where something is not there."""
    if shutil.which("sipp") is None:
        pytest.skip("no SIPp: apt-get install sip-tester")
    if not (fetch.cache_dir() / major / "VERSION").is_file():
        pytest.skip(f"no Asterisk {major}: python3 tests/acceptance/asterisk/fetch.py {major}")
