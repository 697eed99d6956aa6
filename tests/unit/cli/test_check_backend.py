from pathlib import Path

from typer.testing import CliRunner

from ctid.cli import app


def test_a_configuration_without_ticket_systems(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    path.write_text('[[pbx]]\nsecret_file = "secret"\n')
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    done = CliRunner().invoke(app, ["check-backend", "rt", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"ctid: {path}: there is no ticket system: add a table such as [[webhook]]\n"
    )


def test_what_another_system_tells_moves_no_cursor(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    path.write_text('[[pbx]]\nsecret_file = "secret"\n[[file]]\npath = "a\\u001b[31m/f"\n')
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    done = CliRunner().invoke(app, ["check-backend", "file", "--config", str(path)])
    assert done.exit_code == 1
    assert done.stdout.startswith(f"not ok  there is no folder {tmp_path}/a\ufffd[31m\n        -> ")
