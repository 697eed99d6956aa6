from pathlib import Path

from typer.testing import CliRunner

from ctid.cli import app


def written(folder: Path, text: str) -> Path:
    path = folder / "ctid.toml"
    path.write_text('[[pbx]]\nsecret_file = "secret"\n' + text)
    (folder / "secret").write_text("x")
    (folder / "secret").chmod(0o600)
    return path


def test_a_configuration_without_channels(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    done = CliRunner().invoke(app, ["check-channel", "dingtalk", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"ctid: {path}: there is no channel: add a table such as [[channels.dingtalk]]\n"
    )


def test_robots_by_apprise_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    path = written(tmp_path, '[[channels.apprise]]\nurl_file = "url"\n')
    (tmp_path / "url").write_text("dingtalk://s3cret@t0ken")
    (tmp_path / "url").chmod(0o600)
    done = CliRunner().invoke(app, ["check-config", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"ctid: {path}:4: channels.apprise[0].url_file: Apprise cannot tell whether dingtalk has "
        "taken a message: use [[channels.dingtalk]]\n"
    )
