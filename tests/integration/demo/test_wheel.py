"""The demo from the installed wheel, far from any checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, ctid, ctid.cli
assert ctid.__file__.startswith({site!r}), ctid.__file__
sys.argv = ["ctid", "demo", "--seconds", "20", "--speed", "30"]
ctid.cli.main()
"""


def test_the_demo_runs_from_the_wheel(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        recorded = [info for info in archive.infolist() if info.filename.endswith(".ami.gz")]
    assert 0 < sum(info.file_size for info in recorded) < 500_000
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(site=str(site))],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site), "TMPDIR": str(elsewhere)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "网络 network" in done.stdout
    assert "calls" in done.stdout.partition("Rate = answered / rung; ")[2].splitlines()[0]
    assert list(elsewhere.iterdir()) == []
