"""HTTP to systems of others: bounded in time and size, TLS verified, no secret in any message."""

import html
import re
import ssl
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp
import orjson

from ctid import __version__
from ctid.config.backends import HttpBackend
from ctid.config.channels import HttpChannel
from ctid.outbound.connecting import why_unreachable
from ctid.outbound.port import DeliveryError, Reason

LONGEST_ANSWER: Final = 1024 * 1024
"""Bytes."""
_LONGEST_PATIENCE: Final = 86_400.0
_SHORTEST_SECRET: Final = 4
_SHOWN: Final = 200
_CONNECT_SECONDS: Final = 5.0
# answers of somebody who has not even begun
_BUSY: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
_CHANGE_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and none of those that `Http.request` raises.

    `secrets` are never shown: a server may repeat what it was sent.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """Its body. Raises DeliveryError BAD_ANSWER."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise DeliveryError(
                Reason.BAD_ANSWER, f"answered {self.status} without JSON: {self.shown()}"
            ) from None

    def shown(self) -> str:
        """The beginning of the body, in one line; of a web page its title."""
        text = self.body.decode("utf-8", "replace")
        title = _TITLE.search(text) if text.lstrip().startswith("<") else None
        if title:
            text = f"a web page, `{html.unescape(title[1]).strip()}`"
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return _printable(" ".join(text.split()))[:_SHOWN] or "(nothing)"


class Http:
    """Requests to one address, such as `https://tickets.example.org/rt`.

    `headers` go with every request and may hold credentials: they are in no message, and neither
    are `secrets`, which stand elsewhere in requests. `keys` of the configuration name the files of
    both. Redirects are not followed: they may lead to another host, and turn a POST into a GET.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_seconds: float,
        ca_file: str | None = None,
        connections: int = 16,
        secrets: Iterable[str] = (),
        keys: Sequence[str] = (),
    ) -> None:
        self._url = url
        self._keys = keys
        self._headers = {"User-Agent": f"ctid/{__version__}", **(headers or {})}
        self._secrets = (
            *_secrets_of((headers or {}).values()),
            *(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET),
        )
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(_CONNECT_SECONDS, timeout_seconds)
        )
        self._ca_file = ca_file
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._was_answered = False

    @classmethod
    def of(
        cls,
        table: HttpBackend | HttpChannel,
        headers: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
        secrets: Iterable[str] = (),
    ) -> Self:
        """To a ticket system or channel, as its table says; `url` if it is not the table's own."""
        return cls(
            url or table.url,
            headers,
            timeout_seconds=table.timeout_seconds,
            ca_file=table.ca_file,
            connections=table.concurrency,
            secrets=secrets,
            keys=[_key_of(table, what) for what in table.secrets],
        )

    @property
    def host(self) -> str:
        """Whom it talks to, for messages."""
        return _host_of(self._url)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        longest: int = LONGEST_ANSWER,
        forbidden: str | None = None,
    ) -> Answer:
        """Ask once. Raises DeliveryError for what is no answer, and for 3xx, 5xx and some of 4xx.

        Those are 401, 403, 407, 408, 425 and 429. `path` follows the address, which stays as it
        was written where `path` is empty. An answer has at most `longest` bytes. `forbidden` says
        what a 403 means: what may not be done, and which right is to be granted. A GET changes
        nothing, so whatever happens to it nothing is unclear to the asker; what it raises is the
        same all the same.
        """
        data = orjson.dumps(json) if json is not None else body
        extra = {"Content-Type": "application/json"} if json is not None else {}
        session = self._session or self._open()
        sending = _Sending(repeatable=method in _CHANGE_NOTHING)
        try:
            async with session.request(
                method,
                self._url.rstrip("/") + path if path else self._url,
                data=data,
                params=params,
                # not the session's: those aiohttp would send to a proxy, too
                headers={**self._headers, **extra, **(headers or {})},
                allow_redirects=False,
                proxy=self._proxy,
                trace_request_ctx=sending,
            ) as response:
                text = await _read(response, longest)
        except (aiohttp.ClientError, ConnectionError, ssl.SSLError, TimeoutError) as error:
            failure = self._failure(error, begun=sending.begun)
        else:
            if text is None:
                failure = DeliveryError(
                    Reason.BAD_ANSWER, f"{self.host}: the answer is longer than {longest} bytes"
                )
            else:
                answer = Answer(response.status, response.headers, text, self._secrets)
                self._was_answered = True
                self._see(method, path, answer, forbidden)
                return answer
        # out here it has no context: aiohttp's errors hold the headers that were sent
        raise failure

    def _failure(self, error: Exception, *, begun: bool) -> DeliveryError:
        """What it means that no answer came; `begun`: something of the request was sent."""
        if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
            return DeliveryError(
                Reason.MISCONFIGURED, f"{self.host}: the configured `url` is no web address"
            )
        if not begun:
            why = why_unreachable(error, is_tls=self._url.startswith("https://"))
            return DeliveryError(Reason.UNREACHABLE, f"{self.host}: {why}")
        if isinstance(error, TimeoutError):
            return DeliveryError(
                Reason.TIMEOUT, f"{self.host}: no answer within {self._timeout.total:g} s"
            )
        # so do the ports that want TLS
        is_tls = self._was_answered or self._url.startswith("https://")
        maybe = "" if is_tls else "; does `url` have to begin with https://?"
        if isinstance(error, aiohttp.ClientResponseError):
            return DeliveryError(
                Reason.BAD_ANSWER, f"{self.host}: what it answers is no HTTP{maybe}"
            )
        return DeliveryError(
            Reason.CUT_OFF, f"{self.host}: the connection broke before the answer was whole{maybe}"
        )

    def _see(self, method: str, path: str, answer: Answer, forbidden: str | None) -> None:
        status = answer.status
        where = f"{self.host} answered {status}"
        if status in _BUSY:
            raise DeliveryError(
                Reason.BUSY, where, retry_after_seconds=_retry_after(answer.headers)
            )
        if status in _DENIED:
            why = forbidden if status == HTTPStatus.FORBIDDEN else None
            why = why or "credentials or rights are wrong" + self._look_at()
            raise DeliveryError(Reason.DENIED, f"{where}: {why}; {answer.shown()}")
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise DeliveryError(
                Reason.DENIED, f"{where}: the proxy on the way there wants credentials"
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            why = f"{where}: {answer.shown()}; look into the log of that system"
            raise DeliveryError(Reason.SERVER_ERROR, why)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            to = answer.headers.get("Location", "")
            moved = self._moved(to, path)
            remedy = f"use {moved} as `url`" if moved else "correct `url`"
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"{where}: it sends {method} on to {_host_of(to) or self.host}, which is not "
                f"followed; {remedy}",
            )

    def _look_at(self) -> str:
        """Where the credentials stand, for messages."""
        return ": look at " + " and ".join(f"`{key}`" for key in self._keys) if self._keys else ""

    def _moved(self, to: str, path: str) -> str | None:
        """The address to be configured if this one has moved on the same host, to TLS perhaps.

        None where that cannot be told. An address that stands for itself, without a `path`, may
        hold a secret: it is not shown.
        """
        base = to.partition("?")[0].removesuffix(path)
        try:
            old, new = urlsplit(self._url), urlsplit(base)
        except ValueError:
            return None
        if not path or "@" in base or new.scheme not in ("http", "https"):
            return None
        is_same = old.hostname == new.hostname and to.partition("?")[0].endswith(path)
        return _printable(base) if is_same else None

    @cached_property
    def _proxy(self) -> str | None:
        """The proxy that the environment names for this address (HTTP_PROXY, NO_PROXY ...).

        aiohttp's own way (`trust_env`) would also take passwords from ~/.netrc.
        """
        scheme = self._url.partition("://")[0]
        proxy = urllib.request.getproxies().get(scheme)
        if proxy is None or urllib.request.proxy_bypass(self.host):
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(("http://", "https://")):
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"{self.host}: the environment's proxy for {scheme} is no HTTP proxy",
            )
        return proxy

    def _open(self) -> aiohttp.ClientSession:
        try:
            # aiohttp has one with the system's certificates; to load them again takes long
            context = ssl.create_default_context(cafile=self._ca_file) if self._ca_file else True
        except OSError:  # ssl.SSLError is one
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"{self.host}: `ca_file` {self._ca_file} holds no certificate in PEM form",
            ) from None
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_begin)
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
        )
        return self._session


@dataclass(slots=True)
class _Sending:
    """One request on its way; `begun` once the first byte may have left."""

    repeatable: bool
    begun: bool = False


async def _begin(
    session: aiohttp.ClientSession, context: Any, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    del session, params
    sending: _Sending = context.trace_request_ctx
    if sending.begun and not sending.repeatable:
        # aiohttp sends a PUT again by itself if the connection broke, but the first may have worked
        raise aiohttp.ClientConnectionError
    sending.begun = True


async def _read(response: aiohttp.ClientResponse, longest: int) -> bytes | None:
    """The body; None: it is longer than that."""
    found = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        found += chunk
        if len(found) > longest:
            response.close()
            return None
    return bytes(found)


def _key_of(table: HttpBackend | HttpChannel, what: str) -> str:
    """The key that names one of a table's secrets."""
    return f"{what}_credential" if getattr(table, f"{what}_credential", None) else f"{what}_file"


def _host_of(url: str) -> str:
    try:
        return _printable(urlsplit(url).netloc.rpartition("@")[2])
    except ValueError:
        return "an address that is none"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _secrets_of(values: Iterable[str]) -> Iterable[str]:
    """What of these headers' values must not be shown: `Token token=x` holds the secret `x`."""
    for value in values:
        for part in (value, value.partition(" ")[2], value.partition("=")[2]):
            if len(part) >= _SHORTEST_SECRET:
                yield part


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, 10.2.3) by the answer's own clock."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_PATIENCE)
    try:
        until = parsedate_to_datetime(value)
        seconds = (until - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), _LONGEST_PATIENCE)
