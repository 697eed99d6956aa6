"""`ctid backup` as it is typed."""

from pathlib import Path

from tests.integration.cli.conftest import Ctid


def test_the_copy_can_be_asked_like_the_database(
    ctid: Ctid, recorded: Path, tmp_path: Path
) -> None:
    copy, config = tmp_path / "copy.sqlite3", tmp_path / "ctid.toml"
    done = ctid("backup", copy, "--config", recorded)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{copy}: good (")
    config.write_text('timezone = "Asia/Shanghai"\n[store]\nurl = "copy.sqlite3"\n')
    asked = ("calls", "--limit", "0", "--format", "json", "--config")
    assert ctid(*asked, config).stdout == ctid(*asked, recorded).stdout
    again = ctid("backup", copy, "--config", recorded)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == (
        f"ctid: {copy}: is there already; choose another file, or use --force\n"
    )
