"""The address and the TLS that a server listens with: taken early, so that a start fails early."""

import errno
import socket
import ssl

from ctid.config.serving import Serving


class ServeError(Exception):
    """The server cannot be started; the message says why and how to mend it."""


class Listener:
    """A socket whose connections wait until a server takes them, and the TLS spoken there."""

    def __init__(self, settings: Serving) -> None:
        """Raises ServeError. `settings` have to name an address."""
        assert settings.address is not None, "nothing to listen on"  # noqa: S101
        self._settings = settings
        self.tls = _tls(settings)
        self.socket = _bind(*settings.address, settings)

    def renew(self) -> None:
        """Read certificate and key again, for the connections to come. Raises ServeError."""
        if self.tls is not None:
            _load(self.tls, self._settings)


def _bind(host: str, port: int, settings: Serving) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            # else a second one with SO_REUSEADDR could be bound as well, and fail only later
            listener.listen(16)
            listener.settimeout(0)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        where = f'[{settings.header}] listen = "{settings.listen}"'
        raise ServeError(f"{where}: {_plain(error)}") from None
    return listener


def _tls(settings: Serving) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings)
    return context


def _load(context: ssl.SSLContext, settings: Serving) -> None:
    files = f"tls_cert {settings.tls_cert}, tls_key {settings.tls_key}"
    try:
        context.load_cert_chain(settings.tls_cert or "", settings.tls_key, password=_no_password)
        if settings.client_ca is not None:
            files = f"client_ca {settings.client_ca}"
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ServeError(f"[{settings.header}] {files}: {_plain(error)}") from None


def _no_password() -> str:
    raise ValueError("the key is encrypted: write it without a password, readable for ctid alone")


def _plain(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "certificate and key do not belong together"
        return "is not PEM, or holds neither certificate nor key"
    if isinstance(error, OSError):
        return _why_not_bound(error)
    return str(error)


_NOT_BOUND = {
    errno.EADDRINUSE: "another program listens there: stop it, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "ctid may not listen there: choose a port above 1023",
}


def _why_not_bound(error: OSError) -> str:
    known = _NOT_BOUND.get(error.errno or 0)
    return known or error.strerror or str(error) or type(error).__name__
