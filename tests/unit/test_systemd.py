"""The unit is one that systemd understands."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path("systemd/ctid.service")


pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt-get install systemd"
)


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    # the program is not installed where the tests run, and verify wants it there
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/ctid/bin/ctid", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, complaints) == (0, [])


def test_the_sandbox_is_tight() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=12", str(UNIT.absolute())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
