import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = {
    "runtime.txt": PROJECT["dependencies"] + EXTRAS["postgresql"],
    "dev.txt": PROJECT["dependencies"] + EXTRAS["postgresql"] + EXTRAS["dev"],
}


def entries(name: str) -> list[str]:
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_has_what_the_project_asks_for(name: str) -> None:
    locked = {
        found["name"]: found["version"]
        for entry in entries(name)
        if (found := re.match(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)", entry))
    }
    assert len(locked) == len(entries(name))
    for wanted in map(Requirement, WANTED[name]):
        if wanted.name != "ctid":
            assert wanted.specifier.contains(locked[wanted.name]), f"{wanted}: run `make lock`"


@pytest.mark.parametrize("name", WANTED)
def test_every_entry_has_hashes_and_none_an_address(name: str) -> None:
    for entry in entries(name):
        assert "--hash=sha256:" in entry
        assert "://" not in entry
