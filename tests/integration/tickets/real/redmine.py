"""A Redmine of its own: a copy of the program, SQLite in a folder, loopback only."""

import secrets
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctid.config.backends import RedmineBackend
from ctid.config.secret import Secret
from tests.integration.tickets.real.program import Program, free_port

_DEBIANS: Final = Path("/usr/share/redmine")
MISSING: Final = "Redmine is not installed: .ci/install-tickets"

# what `*x* a^(b)` and `<kbd>x</kbd>` become
FORMATTINGS: Final = {
    "textile": {"p", "strong", "kbd"},
    "markdown": {"p", "em", "sup"},
    "common_mark": {"p", "em", "kbd"},
    "": {"p"},
}


@dataclass(frozen=True)
class Redmine:
    program: Program
    folder: Path

    def key(self, user: str = "ctid") -> str:
        return (self.folder / f"key-{user}").read_text()

    def table(self, key: str | None = None, **keys: Any) -> RedmineBackend:
        table = RedmineBackend.model_validate(
            {"url": self.program.url, "project": "telephony", "timeout_seconds": 60.0, **keys}
        )
        return table.model_copy(update={"token": Secret(key or self.key())})

    def execute(self, statement: str, *values: str) -> None:
        """What an administrator does, straight in the database."""
        with sqlite3.connect(self.folder / "database", timeout=30) as database:
            database.execute(statement, values)
        database.close()

    def set(self, setting: str, value: str) -> None:
        """Redmine reads its settings again where one is newer than the last time it did."""
        self.execute("DELETE FROM settings WHERE name = ?", setting)
        self.execute(
            "INSERT INTO settings (name, value, updated_on) "
            "VALUES (?, ?, datetime('now', '+2 days'))",
            setting,
            value,
        )


def installed() -> bool:
    return (_DEBIANS / "config/environment.rb").exists() and shutil.which("ruby") is not None


def prepare(folder: Path) -> Redmine:
    """Copy the program; the database is made when it is first started."""
    app = folder / "app"
    shutil.copytree(_DEBIANS, app, symlinks=True, ignore=_of_the_machine)
    gemfile = (app / "Gemfile").read_text()
    (app / "Gemfile").write_text(gemfile.replace(f"{_DEBIANS}/", f"{app}/"))
    (app / "Gemfile.local").write_text("gem 'puma'\n")
    for name in ("tmp/pdf", "log", "plugins", "files", "public/plugin_assets"):
        (app / name).mkdir(parents=True, exist_ok=True)
    instance = app / "instances/default"
    for name in ("config", "files", "log", "tmp/pdf"):
        (instance / name).mkdir(parents=True)
    (instance / "config/database.yml").write_text(
        f"production:\n  adapter: sqlite3\n  database: {folder}/database\n  timeout: 30000\n"
    )
    (instance / "config/secret_key.txt").write_text(secrets.token_hex(32))
    port = free_port()
    command = ["ruby", str(Path(__file__).with_suffix(".rb")), str(folder), str(port)]
    environ = {"RAILS_ENV": "production", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return Redmine(Program(command, environ, port, folder / "log"), folder)


def _of_the_machine(folder: str, names: list[str]) -> set[str]:
    """Links that lead to the machine's own instance."""
    own = {"Gemfile.lock", "instances", "database.yml", "plugin_assets"}
    return {name for name in names if name in own and (Path(folder) / name).is_symlink()}
