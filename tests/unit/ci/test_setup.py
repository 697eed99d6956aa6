"""What `make` says to a machine that lacks something, and what it does to an old .venv."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CI = Path(__file__).parents[3] / ".ci"
SUDO = "" if os.geteuid() == 0 else "sudo "


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def run(script: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", CI / script, *arguments], check=False, capture_output=True, text=True
    )
    return done.returncode, done.stderr.strip()


def test_a_machine_without_python() -> None:
    assert run("check-python", "no-such-python") == (
        1,
        f"make: there is no no-such-python: {SUDO}apt-get install python3 python3-venv",
    )


def test_a_machine_with_an_old_python(tmp_path: Path) -> None:
    old = program(tmp_path / "old", "case $2 in *version_info*) exit 1;; esac")
    status, said = run("check-python", old)
    assert (status, said.count("\n")) == (1, 0)
    assert said.startswith(f"make: {old} is older than 3.11: make PYTHON=")


def test_a_machine_without_venv(tmp_path: Path) -> None:
    bare = program(tmp_path / "bare", "case $2 in *ensurepip*) exit 1;; esac")
    assert run("check-python", bare) == (
        1,
        f"make: {bare} cannot make a virtual environment: {SUDO}apt-get install python3-venv",
    )


def test_a_machine_that_has_it_all() -> None:
    assert run("check-python", sys.executable) == (0, "")


def test_that_it_takes_a_while_is_said_before_it_does(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-n", "-C", CI.parent, "setup", f"VENV={tmp_path}/new"],
        check=True,
        capture_output=True,
        text=True,
        env=own,
    )
    told, made = "setting up (about a minute the first time)", "make-venv"
    assert 0 < done.stdout.find(told) < done.stdout.find(made)


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter that only notes which environment it was asked to make."""
    return program(tmp_path / "python", f'echo "$@" > {tmp_path}/asked')


def asked(tmp_path: Path) -> str:
    note = tmp_path / "asked"
    return note.read_text().strip() if note.exists() else ""


def test_the_environment_is_made(tmp_path: Path, python: str) -> None:
    target = str(tmp_path / "new")
    assert run("make-venv", python, target) == (0, "")
    assert asked(tmp_path) == f"-m venv --clear {target}"


def test_one_that_works_is_kept(tmp_path: Path, python: str) -> None:
    assert run("make-venv", python, sys.prefix) == (0, "")
    assert asked(tmp_path) == ""


def test_one_without_pip_is_made_anew(tmp_path: Path, python: str) -> None:
    target = tmp_path / "old"
    venv.create(target, with_pip=False)
    assert run("make-venv", python, str(target)) == (0, "")
    assert asked(tmp_path) == f"-m venv --clear {target}"


def test_one_whose_interpreter_is_gone_is_made_anew(tmp_path: Path, python: str) -> None:
    target = tmp_path / "old"
    (target / "bin").mkdir(parents=True)
    (target / "bin/python").symlink_to(tmp_path / "gone")
    (target / "pyvenv.cfg").write_text("")
    assert run("make-venv", python, str(target)) == (0, "")
    assert asked(tmp_path) == f"-m venv --clear {target}"


def test_one_that_was_moved_is_made_anew(tmp_path: Path, python: str) -> None:
    target = tmp_path / "moved"
    (target / "bin").mkdir(parents=True)
    (target / "bin/python").symlink_to(Path(sys.prefix) / "bin/python")
    (target / "bin/pip").write_text("#!/elsewhere/bin/python\n")
    (target / "pyvenv.cfg").write_text("")
    assert run("make-venv", python, str(target)) == (0, "")
    assert asked(tmp_path) == f"-m venv --clear {target}"


def test_what_is_no_environment_is_left_alone(tmp_path: Path, python: str) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "precious").write_text("")
    file.write_text("")
    for path, remedy in ((folder, f"mv {folder} {folder}.old"), (file, f"rm {file}")):
        status, said = run("make-venv", python, str(path))
        assert (status, said.count("\n")) == (1, 0)
        assert said.endswith(remedy)
    assert asked(tmp_path) == ""
    assert (folder / "precious").exists()
