"""Secrets: read from files, kept in memory, never shown."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

_LONGEST: Final = 1024  # bytes; AMI cuts lines not much longer


class SecretError(Exception):
    """The secret cannot be had; the message says why and how to mend it, never what it is."""


@final
class Secret:
    """A text that no repr, format, log line or dump shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def credential_path(name: str, environ: Mapping[str, str]) -> Path:
    """Where systemd put the credential. Raises SecretError."""
    if "/" in name or name in ("", ".", ".."):
        raise SecretError(
            f"`{name}` is no credential's name: write the one that stands in LoadCredential="
        )
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise SecretError(
            "no credentials were handed over ($CREDENTIALS_DIRECTORY is not set): "
            f"add LoadCredential={name}:FILE to the unit, or name a file instead"
        )
    return Path(folder) / name


def read_secret(path: Path) -> tuple[Secret, str | None]:
    """The secret in a file of one line, and a warning if everybody may read it, or it is quoted.

    Raises SecretError.
    """
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            data = file.read(_LONGEST + 1)
    except OSError as error:
        raise SecretError(
            f"cannot read {path}: {error.strerror}; make a file that holds the secret alone and "
            "that the user who runs ctid may read"
        ) from None
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8 text") from None
    if not text:
        raise SecretError(f"{path} is empty: write the secret into it")
    if len(data) > _LONGEST or any(char in text for char in "\r\n\0"):
        raise SecretError(f"{path} must hold the secret alone, in one line")
    warnings = []
    if mode & stat.S_IROTH:
        warnings.append(f"everybody may read {path}: chmod o-rwx {path}")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        warnings.append(f"the quotes in {path} count as part of the secret: take them out")
    return Secret(text), "; ".join(warnings) or None
