"""From the file to a Config, or to everything that is wrong with it."""

import os
import stat
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from ctid.config import files, holidays, overrides, problems, syntax
from ctid.config.address import is_loopback
from ctid.config.backends import Backend, FileBackend, HttpBackend
from ctid.config.base import Table, web_address
from ctid.config.channels import (
    CHANNELS,
    Channel,
    Channels,
    HttpChannel,
    own_channel,
    secret_in_address,
)
from ctid.config.checks import channel_tables, check, tables
from ctid.config.heartbeat import TARGETS, Heartbeat
from ctid.config.models import CalendarTable, Config, Control
from ctid.config.positions import Positions
from ctid.config.problems import ConfigError, Problem
from ctid.config.secret import Secret, SecretError, credential_path, read_secret
from ctid.config.server_checks import check_servers, check_tokens
from ctid.config.serving import Metrics, Serving
from ctid.config.shape import BACKENDS, Mistake, validate, without_unknown

_T = TypeVar("_T", bound=Table)
_S = TypeVar("_S", bound=Serving)

NEED_TOKEN = ("rt", "redmine", "zammad")
SERVER_FILES = ("tls_cert", "tls_key", "client_ca")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def load(
    path: str | Path,
    *,
    read_secrets: bool = True,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
) -> Config:
    """The configuration in the file.

    Relative paths in it start from its folder. Without `read_secrets` it may lack PBXs and their
    secrets, as a replay needs neither. Raises ConfigError with all problems at once.
    `clock` tells for which years holidays are wanted.
    """
    path = Path(path)
    text = read_text(path)
    try:
        raw = tomllib.loads(f"{text}\n")  # at the end of the document it tells no row
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([syntax.problem(str(path), text, error)]) from None
    known, mistakes = without_unknown(raw)
    misspelt = {place[:-1] for place, _ in mistakes}
    config, wrong = validate(known)
    mistakes += wrong
    mistakes += check(known, misspelt)
    mistakes += check_servers(known)
    disk = _Disk(path.absolute().parent, environ)
    calendar = _calendar(known.get("calendar", {}), disk, clock())
    days, wrong = holidays.of_lines(tables(known, "line"), calendar.days, clock())
    mistakes += wrong
    if read_secrets:
        if not known.get("pbx") and not any(found[0] == ("pbx",) for found in mistakes):
            mistakes.append((("pbx",), "there is none to watch: add a [[pbx]] table"))
        mistakes += _read_secrets(known, disk)
    mistakes += disk.mistakes
    if config is None or mistakes or disk.elsewhere:
        here = _sorted(str(path), Positions(text), mistakes)
        raise ConfigError([*here, *disk.elsewhere])
    lines = tuple(line.model_copy(update={"days": days.get(line.calendar)}) for line in config.line)
    return _completed(config, path, disk, Positions(text)).model_copy(
        update={"calendar": calendar, "line": lines}
    )


def _calendar(known: Any, disk: "_Disk", now: float) -> CalendarTable:
    try:
        table = _with_paths(CalendarTable.model_validate(known), ("overrides",), disk.folder)
    except ValidationError:
        return CalendarTable()  # named elsewhere
    said = overrides.Overrides()
    try:
        if table.overrides is not None:
            if not disk.check_file(("calendar", "overrides"), table.overrides):
                return table
            said = overrides.load(Path(table.overrides))
        found = holidays.build(table.country, table.subdivision, said, now)
    except holidays.HolidaysError as error:
        disk.mistakes.append((("calendar", error.key), str(error)))
        return table
    except ConfigError as error:
        disk.elsewhere += error.problems
        return table
    return table.model_copy(update={"days": found})


def _read_secrets(known: dict[str, Any], disk: "_Disk") -> Iterator[Mistake]:
    for index, table in tables(known, "pbx"):
        if not ("secret_file" in table or "secret_credential" in table):
            yield ("pbx", index), "has no secret: add `secret_file` or `secret_credential`"
        disk.read_secret(("pbx", index), table, "secret")
        disk.check_file(("pbx", index, "ca_file"), table.get("ca_file"))
    for kind, model in BACKENDS.items():
        for index, table in tables(known, kind):
            if kind in NEED_TOKEN and not ("token_file" in table or "token_credential" in table):
                yield (kind, index), "has no token: add `token_file` or `token_credential`"
            for what in model.secrets:
                disk.read_secret((kind, index), table, what)
            for key in model.files:
                disk.check_file((kind, index, key), table.get(key))
    yield from _channel_secrets(known, disk)
    yield from _single_tables(known, disk)


def _single_tables(known: dict[str, Any], disk: "_Disk") -> Iterator[Mistake]:
    if isinstance(contacts := known.get("contacts"), dict):
        disk.check_file(("contacts", "file"), contacts.get("file"))
    if isinstance(roster := known.get("roster"), dict):
        disk.check_file(("roster", "file"), roster.get("file"))
    if isinstance(beat := known.get("heartbeat"), dict):
        disk.check_file(("heartbeat", "ca_file"), beat.get("ca_file"))
        for what in Heartbeat.secrets:
            disk.read_address(("heartbeat",), beat, what)
    yield from _server_secrets(known, disk)


def _server_secrets(known: dict[str, Any], disk: "_Disk") -> Iterator[Mistake]:
    for header in ("metrics", "api"):
        if isinstance(server := known.get(header), dict):
            for key in SERVER_FILES:
                disk.check_file((header, key), server.get(key))
    if isinstance(metrics := known.get("metrics"), dict):
        disk.read_secret(("metrics",), metrics, "token")
    tokens = tables(known, "api_token")
    for index, table in tokens:
        if not ("token_file" in table or "token_credential" in table):
            yield ("api_token", index), "has no token: add `token_file` or `token_credential`"
        disk.read_secret(("api_token", index), table, "token")
    yield from check_tokens(disk.secrets.get(("api_token", index, "token")) for index, _ in tokens)


def _channel_secrets(known: dict[str, Any], disk: "_Disk") -> Iterator[Mistake]:
    for kind, index, table in channel_tables(known):
        path: problems.Path = ("channels", kind, index)
        channel = CHANNELS[kind]
        for what in channel.needs:
            if secret_in_address(kind, table) == what:
                continue  # that is told, with how to mend it
            if not (f"{what}_file" in table or f"{what}_credential" in table):
                yield path, f"has no {what}: add `{what}_file` or `{what}_credential`"
        for what in channel.secrets:
            disk.read_secret(path, table, what)
        for key in channel.files:
            disk.check_file((*path, key), table.get(key))
        url = disk.secrets.get((*path, "url"))
        if kind == "apprise" and url and (own := own_channel(url.reveal())):
            key = "url_file" if "url_file" in table else "url_credential"
            yield (
                (*path, key),
                f"Apprise cannot tell whether {own} has taken a message: use [[channels.{own}]]",
            )


def read_text(path: Path) -> str:
    """What the file holds. Raises ConfigError."""
    try:
        with open(path, "rb", opener=files.without_waiting) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read().decode("utf-8-sig")  # Windows editors put a mark in front
        message = "is not a regular file: write the configuration into one"
    except FileNotFoundError:
        message = "there is no such file: give --config FILE, or copy config/ctid.toml there"
    except PermissionError:
        message = (
            "cannot be read: run this as a user who may, such as root or a member of its group"
        )
    except OSError as error:
        message = f"cannot be read: {error.strerror}; give another with --config FILE"
    except UnicodeDecodeError:
        message = "is not UTF-8 text: save it as UTF-8"
    raise ConfigError([Problem(str(path), "", message)])


@dataclass
class _Disk:
    """What the configuration names outside itself."""

    folder: Path
    environ: Mapping[str, str]
    secrets: dict[problems.Path, Secret] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    elsewhere: list[Problem] = field(default_factory=list)
    """What is wrong in other files."""

    def read_secret(self, path: problems.Path, table: dict[str, Any], what: str) -> None:
        """Read the secret of one table; what names none, two or no text is left to others."""
        found = [key for key in (f"{what}_file", f"{what}_credential") if key in table]
        if len(found) != 1 or not isinstance(table[found[0]], str) or not table[found[0]]:
            return
        key, value = found[0], table[found[0]]
        try:
            place = (
                self.folder / value
                if key == f"{what}_file"
                else credential_path(value, self.environ)
            )
            self.secrets[*path, what], warning = read_secret(place)
        except SecretError as error:
            self.mistakes.append(((*path, key), str(error)))
            return
        if warning:
            self.warnings.append(((*path, key), warning))

    def read_address(self, path: problems.Path, table: dict[str, Any], what: str) -> None:
        """Read a secret that has to be a web address."""
        self.read_secret(path, table, what)
        found = self.secrets.get((*path, what))
        try:
            if found is not None:
                web_address(found.reveal())
        except ValueError as error:
            key = f"{what}_file" if f"{what}_file" in table else f"{what}_credential"
            self.mistakes.append(((*path, key), f"what it holds {error}"))

    def check_file(self, path: problems.Path, value: Any) -> bool:
        """Whether the file can be opened; no value is none of our business here."""
        if not isinstance(value, str) or not value:
            return True
        try:
            with open(self.folder / value, "rb", opener=files.without_waiting):
                pass
        except OSError as error:
            self.mistakes.append((path, f"cannot read {self.folder / value}: {error.strerror}"))
            return False
        return True


def _sorted(file: str, positions: Positions, mistakes: list[Mistake]) -> list[Problem]:
    found = [
        Problem(file, problems.key_path(path), message, positions.row(path))
        for path, message in mistakes
    ]
    return sorted(found, key=lambda problem: (problem.row or 0, problem.key, problem.message))


def completed(config: Config, path: Path) -> Config:
    """The configuration with whole paths, without secrets and warnings."""
    disk = _Disk(path.absolute().parent, {})
    return _completed(config, path, disk, Positions("")).model_copy(update={"warnings": ()})


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
        pbxs.append(
            pbx.model_copy(update={**files, "secret": disk.secrets.get(("pbx", index, "secret"))})
        )
    url = config.store.url
    scheme, mark, name = url.rpartition("://")
    if not mark:
        url = str(disk.folder / url)
    elif scheme == "sqlite" and name.startswith("/"):
        url = f"sqlite:///{disk.folder / name[1:]}"
    return config.model_copy(
        update={
            "pbx": tuple(pbxs),
            "metrics": _metrics(config, disk),
            "api": _server(config.api, disk, has_tokens=bool(config.api_token)),
            "api_token": tuple(
                _opened(token, ("api_token", index), disk)
                for index, token in enumerate(config.api_token)
            ),
            "control": _control(config.control, disk.folder),
            **{kind: _backends(config, kind, disk) for kind in BACKENDS},
            "channels": _channels(config.channels, disk),
            "heartbeat": _heartbeat(config.heartbeat, disk),
            "tickets": _with_paths(config.tickets, ("templates",), disk.folder),
            "contacts": _with_paths(config.contacts, ("file",), disk.folder),
            "roster": _with_paths(config.roster, ("file",), disk.folder),
            "store": config.store.model_copy(update={"url": url}),
            "warnings": tuple(
                str(problem) for problem in _sorted(str(path), positions, disk.warnings)
            ),
        }
    )


def _backends(config: Config, kind: str, disk: _Disk) -> tuple[Backend, ...]:
    return tuple(
        _opened(table, (kind, index), disk) for index, table in enumerate(getattr(config, kind))
    )


def _channels(channels: Channels, disk: _Disk) -> Channels:
    found: dict[str, tuple[Channel, ...]] = {
        kind: tuple(
            _opened(table, ("channels", kind, index), disk)
            for index, table in enumerate(getattr(channels, kind))
        )
        for kind in CHANNELS
    }
    return channels.model_copy(update=found)


def _opened(table: _T, path: problems.Path, disk: _Disk) -> _T:
    """The table with the secrets that were read, and whole paths."""
    if isinstance(table, HttpBackend | HttpChannel) and _crosses_readable(table.url):
        disk.warnings.append(
            (
                (*path, "url"),
                "callers and token cross the network readable: use an `https://` address",
            )
        )
    paths = (*table.files, *(f"{what}_file" for what in table.secrets), *_paths_of(table))
    secrets = {what: disk.secrets.get((*path, what)) for what in table.secrets}
    return _with_paths(table, paths, disk.folder).model_copy(update=secrets)


def _crosses_readable(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def _paths_of(table: Table) -> tuple[str, ...]:
    return ("path",) if isinstance(table, FileBackend) else ()


def _with_paths(table: _T, keys: Iterable[str], folder: Path) -> _T:
    values = {key: getattr(table, key) for key in keys}
    whole = {key: str(folder / value) for key, value in values.items() if value is not None}
    return table.model_copy(update=whole)


def _heartbeat(table: Heartbeat, disk: _Disk) -> Heartbeat:
    files = (*table.files, *(f"{what}_file" for what in table.secrets))
    found = {}
    for what, target in TARGETS.items():
        plain = getattr(table, what)
        found[target] = Secret(plain) if plain else disk.secrets.get(("heartbeat", what))
    return _with_paths(table, files, disk.folder).model_copy(update=found)


def _server(server: _S, disk: _Disk, *, has_tokens: bool) -> _S:
    address = server.address
    if has_tokens and address and not is_loopback(address[0]) and server.tls_cert is None:
        disk.warnings.append(
            (
                (server.header, "listen"),
                "the token crosses the network readable: add `tls_cert` and `tls_key`",
            )
        )
    return _with_paths(server, SERVER_FILES, disk.folder)


def _metrics(config: Config, disk: _Disk) -> Metrics:
    token = disk.secrets.get(("metrics", "token"))
    metrics = _server(config.metrics, disk, has_tokens=token is not None)
    return _with_paths(metrics, ("token_file",), disk.folder).model_copy(update={"token": token})


def _control(control: Control, folder: Path) -> Control:
    if control.socket is None:
        return control
    return control.model_copy(update={"socket": str(folder / control.socket)})
