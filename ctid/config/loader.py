"""From the file to a Config, or to everything that is wrong with it."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctid.config import problems
from ctid.config.checks import check, tables
from ctid.config.models import Config
from ctid.config.positions import Positions
from ctid.config.problems import ConfigError, Problem
from ctid.config.secret import Secret, SecretError, credential_path, read_secret
from ctid.config.shape import Mistake, validate, without_unknown

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def load(
    path: str | Path, *, read_secrets: bool = True, environ: Mapping[str, str] = os.environ
) -> Config:
    """The configuration in the file.

    Relative paths in it start from its folder. Without `read_secrets` it may lack PBXs and their
    secrets, as a replay needs neither. Raises ConfigError with all problems at once.
    """
    path = Path(path)
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(str(path), "", f"is not valid TOML: {error}")]) from None
    known, mistakes = without_unknown(raw)
    misspelt = {place[:-1] for place, _ in mistakes}
    config, wrong = validate(known)
    mistakes += wrong
    mistakes += check(known, misspelt)
    disk = _Disk(path.absolute().parent, environ)
    if read_secrets:
        if not known.get("pbx") and not any(found[0] == ("pbx",) for found in mistakes):
            mistakes.append((("pbx",), "there is none to watch: add a [[pbx]] table"))
        for index, table in tables(known, "pbx"):
            disk.read_secret(index, table)
            disk.check_file(("pbx", index, "ca_file"), table.get("ca_file"))
    mistakes += disk.mistakes
    if config is None or mistakes:
        raise ConfigError(_sorted(str(path), Positions(text), mistakes))
    return _completed(config, path, disk, Positions(text))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # Windows editors put a mark in front
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        message = "is not UTF-8 text: save it as UTF-8"
    raise ConfigError([Problem(str(path), "", message)])


@dataclass
class _Disk:
    """What the configuration names outside itself."""

    folder: Path
    environ: Mapping[str, str]
    secrets: dict[int, Secret] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)

    def read_secret(self, index: int, table: dict[str, Any]) -> None:
        """Read the secret of one PBX; tables that name none, two or no text are a mistake."""
        found = [key for key in ("secret_file", "secret_credential") if key in table]
        if not found:
            self.mistakes.append(
                (
                    ("pbx", index),
                    "has no secret: add `secret_file` or `secret_credential`",
                )
            )
        if len(found) != 1 or not isinstance(table[found[0]], str) or not table[found[0]]:
            return
        key, value = found[0], table[found[0]]
        try:
            place = (
                self.folder / value
                if key == "secret_file"
                else credential_path(value, self.environ)
            )
            self.secrets[index], warning = read_secret(place)
        except SecretError as error:
            self.mistakes.append((("pbx", index, key), str(error)))
            return
        if warning:
            self.warnings.append((("pbx", index, key), warning))

    def check_file(self, path: problems.Path, value: Any) -> None:
        """Whether the file can be opened; no value is none of our business here."""
        if not isinstance(value, str) or not value:
            return
        try:
            with (self.folder / value).open("rb"):
                pass
        except OSError as error:
            self.mistakes.append((path, f"cannot read {self.folder / value}: {error.strerror}"))


def _sorted(file: str, positions: Positions, mistakes: list[Mistake]) -> list[Problem]:
    found = [
        Problem(file, problems.key_path(path), message, positions.row(path))
        for path, message in mistakes
    ]
    return sorted(found, key=lambda problem: (problem.row or 0, problem.key, problem.message))


def _completed(config: Config, path: Path, disk: _Disk, positions: Positions) -> Config:
    pbxs = []
    for index, pbx in enumerate(config.pbx):
        if pbx.plain_login and not pbx.tls and pbx.host not in LOOPBACK:
            disk.warnings.append(
                (
                    ("pbx", index, "plain_login"),
                    "sends the secret readable over the network: use `tls = true` with it",
                )
            )
        files = {
            key: str(disk.folder / value)
            for key in ("secret_file", "ca_file")
            if (value := getattr(pbx, key)) is not None
        }
        pbxs.append(pbx.model_copy(update={**files, "secret": disk.secrets.get(index)}))
    url = config.store.url
    scheme, mark, name = url.rpartition("://")
    if not mark:
        url = str(disk.folder / url)
    elif scheme == "sqlite" and name.startswith("/"):
        url = f"sqlite:///{disk.folder / name[1:]}"
    return config.model_copy(
        update={
            "pbx": tuple(pbxs),
            "store": config.store.model_copy(update={"url": url}),
            "warnings": tuple(
                str(problem) for problem in _sorted(str(path), positions, disk.warnings)
            ),
        }
    )
