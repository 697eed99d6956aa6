"""HTTP to systems of others: bounded in time and size, TLS verified, no secret in any message."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from ctid import __version__
from ctid.outbound.port import DeliveryError, Reason

_LONGEST_ANSWER: Final = 1024 * 1024
_SHOWN: Final = 200
_CONNECT_SECONDS: Final = 5.0
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, below 500 and none of those that `Http.request` raises."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body. Raises DeliveryError BAD_ANSWER."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise DeliveryError(
                Reason.BAD_ANSWER, f"answered {self.status} without JSON: {self.shown()}"
            ) from None

    def shown(self) -> str:
        """The beginning of the body, in one line."""
        text = " ".join(self.body[: 4 * _SHOWN].decode("utf-8", "replace").split())
        printable = "".join(char if char.isprintable() else "\ufffd" for char in text)
        return printable[:_SHOWN] or "(nothing)"


class Http:
    """Requests to one address, such as `https://tickets.example.org/rt`.

    `headers` go with every request and may hold credentials: they are in no message. Redirects are
    not followed: they may lead to another host, and turn a POST into a GET.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_seconds: float,
        ca_file: str | None = None,
        connections: int = 16,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"User-Agent": f"ctid/{__version__}", **(headers or {})}
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(_CONNECT_SECONDS, timeout_seconds)
        )
        self._ca_file = ca_file
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def host(self) -> str:
        """Whom it talks to, for messages."""
        return urlsplit(self._url).netloc

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once. Raises DeliveryError for what is no answer, and for 3xx, 401, 403, 429, 5xx.

        A GET changes nothing, so whatever happens to it nothing is unclear to the asker; what it
        raises is the same all the same.
        """
        data = orjson.dumps(json) if json is not None else body
        extra = {"Content-Type": "application/json"} if json is not None else {}
        session = self._session or self._open()
        try:
            async with session.request(
                method,
                self._url + path,
                data=data,
                params=params,
                headers={**extra, **(headers or {})},
                allow_redirects=False,
            ) as response:
                text = await _read(response)
        except aiohttp.ClientConnectorError as error:
            raise DeliveryError(Reason.UNREACHABLE, f"{self.host}: {_why(error)}") from None
        except aiohttp.ConnectionTimeoutError:
            raise DeliveryError(
                Reason.UNREACHABLE, f"{self.host}: no connection within the time allowed"
            ) from None
        except TimeoutError:
            raise DeliveryError(
                Reason.TIMEOUT, f"{self.host}: no answer within {self._timeout.total:g} s"
            ) from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise DeliveryError(
                Reason.MISCONFIGURED, f"{self.host}: the configured `url` is no web address"
            ) from None
        except (aiohttp.ClientError, ConnectionError, ssl.SSLError) as error:
            raise DeliveryError(
                Reason.CUT_OFF, f"{self.host}: the connection broke ({type(error).__name__})"
            ) from None
        answer = Answer(response.status, response.headers, text)
        self._see(method, answer)
        return answer

    def _see(self, method: str, answer: Answer) -> None:
        status = answer.status
        where = f"{self.host} answered {status}"
        if status in _BUSY:
            raise DeliveryError(
                Reason.BUSY, where, retry_after_seconds=_retry_after(answer.headers)
            )
        if status in _DENIED:
            raise DeliveryError(
                Reason.DENIED, f"{where}: credentials or rights are wrong; {answer.shown()}"
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise DeliveryError(Reason.SERVER_ERROR, f"{where}: {answer.shown()}")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            to = urlsplit(answer.headers.get("Location", "")).netloc or self.host
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"{where}: it sends {method} on to {to}, which is not followed; correct `url`",
            )

    def _open(self) -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=self._ca_file)
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,  # proxies
        )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        found += chunk
        if len(found) > _LONGEST_ANSWER:
            response.close()
            raise DeliveryError(
                Reason.BAD_ANSWER, f"the answer is longer than {_LONGEST_ANSWER} bytes"
            )
    return bytes(found)


def _why(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        detail = getattr(error.certificate_error, "verify_message", "") or "it cannot be verified"
        return f"its certificate is not trusted: {detail}; set `ca_file` to the one that signed it"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "no TLS is spoken there, or not the same version"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name is not known"
    return error.os_error.strerror or type(error.os_error).__name__


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, 10.2.3) by the answer's own clock."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - parsedate_to_datetime(headers.get("Date", ""))).total_seconds())
    except (ValueError, TypeError):
        return None
