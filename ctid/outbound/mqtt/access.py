"""How to get in: address, TLS and credentials, from the table of the configuration."""

import ssl
from dataclasses import dataclass

from ctid.config.broker import Broker
from ctid.outbound.port import DeliveryError, Reason


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in. `client_id` is one of a kind at the broker: two would push each other out."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    username: str | None
    password: str | None
    client_id: str
    timeout_seconds: float

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"


class ClosingSocket(ssl.SSLSocket):
    """paho forgets a socket whose handshake failed."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in ssl
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def open_access(table: Broker, client_id: str) -> Access:
    """Files are read again for each connection: certificates are renewed. Raises DeliveryError."""
    return Access(
        host=table.host,
        port=table.port,
        tls=_tls(table) if table.tls else None,
        username=table.username,
        password=table.password.reveal() if table.password is not None else None,
        client_id=client_id,
        timeout_seconds=table.timeout_seconds,
    )


def _tls(table: Broker) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=table.ca_file)
    except OSError as error:
        raise DeliveryError(
            Reason.MISCONFIGURED, f"`ca_file` {table.ca_file} is of no use: {_why(error)}"
        ) from None
    context.sslsocket_class = ClosingSocket
    if table.client_cert is not None:
        try:
            context.load_cert_chain(table.client_cert, table.client_key, password=_no_password)
        except (OSError, ValueError) as error:
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"`client_cert` {table.client_cert} with its `client_key` is of no use: "
                f"{_why(error)}",
            ) from None
    return context


def _no_password() -> str:
    """Without this OpenSSL would ask on the terminal."""
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "no PEM"
    return getattr(error, "strerror", None) or "it may not be read, or needs a password"
