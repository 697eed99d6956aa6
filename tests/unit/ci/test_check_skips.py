import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / ".ci/check_skips.py"
TESTS = """
import pytest

def test_passes():
    pass

@pytest.mark.skip(reason="no PBX here")
def test_skipped():
    pass

@pytest.mark.parametrize("version", [16, 22])
def test_skipped_within(version):
    pytest.skip("not today")

@pytest.mark.xfail
def test_expected_to_fail():
    assert False
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_whole_file.py").write_text(
        "import pytest\npytest.skip('all of it', allow_module_level=True)\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--junit-xml={report}", "."], cwd=tmp_path, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    return report


def check(report: Path, allowed: str) -> tuple[int, str]:
    listed = report.with_name("allowed")
    listed.write_text(allowed)
    done = subprocess.run(
        [sys.executable, CHECK, report, listed], check=False, capture_output=True, text=True
    )
    assert not done.stderr
    return done.returncode, done.stdout.replace(str(listed), "LIST")


def test_what_is_not_listed_is_named_with_its_reason(report: Path) -> None:
    status, said = check(report, "# none\n")
    assert status == 1
    assert sorted(said.splitlines()) == [
        "skipped, and not in LIST: test_some.test_skipped: no PBX here",
        "skipped, and not in LIST: test_some.test_skipped_within[16]: not today",
        "skipped, and not in LIST: test_some.test_skipped_within[22]: not today",
        "skipped, and not in LIST: test_whole_file: all of it",
    ]


def test_what_is_listed_may_be_skipped(report: Path) -> None:
    listed = "test_some.test_skipped  # needs a PBX\ntest_whole_file\n"
    assert check(report, listed) == (0, "")
