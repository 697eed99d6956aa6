"""The configured world of the PBX behind tests/captures."""

from functools import cache

from ctid import config
from ctid.domain.lines import Directory
from tests.truth import CAPTURES

PBX = "lab"


@cache
def directory() -> Directory:
    return config.load(CAPTURES / "lab.toml", read_secrets=False).directory(PBX)
