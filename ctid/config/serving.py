"""Servers that ctid is: where they listen, with which TLS, and who may ask."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator

from ctid.config.address import split_address
from ctid.config.base import RESULT, Name, Table, Text, listen_address
from ctid.config.secret import Secret


class Serving(Table):
    """An address to listen on; `header` is the table's name in the file."""

    header: ClassVar[str]

    listen: Annotated[str, AfterValidator(listen_address)] = ""
    tls_cert: Text | None = None
    tls_key: Text | None = None
    client_ca: Text | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None: not at all."""
        return split_address(self.listen)


class Metrics(Serving):
    """Where Prometheus and health checks ask. `token` is there after loading with secrets."""

    header: ClassVar[str] = "metrics"

    listen: Annotated[str, AfterValidator(listen_address)] = "127.0.0.1:9810"
    token_file: Text | None = None
    token_credential: Text | None = None
    token: Secret | None = RESULT


class Api(Serving):
    """Where programs ask about alerts and change them, and where links of pages lead."""

    header: ClassVar[str] = "api"


class Right(StrEnum):
    """What a token is good for."""

    READ = "read"
    """See alerts and silences."""
    WRITE = "write"
    """Acknowledge, resolve, silence, report."""


def _right(value: object) -> Right:
    for right in Right:
        if value == right:
            return right
    raise ValueError(f"`{value}` is no right: the rights are {', '.join(Right)}")


def _some(value: tuple[Right, ...]) -> tuple[Right, ...]:
    if not value:
        raise ValueError('is empty: write ["read"] or ["read", "write"]')
    return value


class ApiToken(Table):
    """One who may ask; `name` stands beside what was changed with it."""

    secrets: ClassVar[tuple[str, ...]] = ("token",)

    name: Name
    token_file: Text | None = None
    token_credential: Text | None = None
    rights: Annotated[
        tuple[Annotated[Right, BeforeValidator(_right)], ...], AfterValidator(_some)
    ] = (Right.READ,)
    token: Secret | None = RESULT
