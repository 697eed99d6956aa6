"""Pages to Prometheus Alertmanager: the alert of each page, which `AlertmanagerKeeper` keeps alive.

API v2, https://prometheus.io/docs/alerting/latest/alerts_api/.
"""

import base64
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from ctid.config.channels import AlertmanagerChannel
from ctid.outbound.http import Answer, Http
from ctid.outbound.pages.alertmanager_forms import Form, Words, form, last_of_each
from ctid.outbound.pages.kinds import Origin, words
from ctid.outbound.pages.port import Message
from ctid.outbound.port import DeliveryError, Finding, Reason

_PATH: Final = "/api/v2"
_AT_ONCE: Final = 200
"""Alerts in one request: some hundred KiB."""

_RESOLVE_TIMEOUT: Final = re.compile(r"^\s*resolve_timeout:\s*(\S+)", re.MULTILINE)
_DURATION: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS: Final = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
    "y": 31_536e3,
}


class Alertmanager:
    """One Alertmanager, by the address of its table."""

    def __init__(self, table: AlertmanagerChannel) -> None:
        self._table = table
        self._http = Http.of(
            table,
            _credentials(table),
            # the whole address of the API, as [alert] has it, is taken, too
            url=table.url.rstrip("/").removesuffix(f"{_PATH}/alerts"),
        )

    @property
    def host(self) -> str:
        """Whom it talks to, for messages."""
        return self._http.host

    async def post(self, forms: Iterable[Form]) -> None:
        """Send them; returns once all were taken. Raises DeliveryError."""
        every = list(forms)
        for first in range(0, len(every), _AT_ONCE):
            await self._post([each.document() for each in every[first : first + _AT_ONCE]])

    async def check(self) -> list[Finding]:
        """Its version, whether alerts may be posted, and whether they are sent again in time."""
        try:
            answer = await self._http.request("GET", f"{_PATH}/status")
            status = _status(answer, self.host)
            await self._post([])
        except DeliveryError as error:
            return [Finding(ok=False, what=str(error), remedy="correct `url` and the credentials")]
        version = status.get("versionInfo", {}).get("version", "?")
        return [
            Finding(ok=True, what=f"{self.host} is an Alertmanager, version {version}"),
            Finding(ok=True, what="it takes alerts from ctid"),
            self._in_time(status),
        ]

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, documents: list[dict[str, Any]]) -> None:
        answer = await self._http.request("POST", f"{_PATH}/alerts", json=documents)
        if answer.is_success:
            if answer.body.strip():
                answer.json()  # nothing, usually; a page for people comes from somebody else
            return
        raise DeliveryError(
            Reason.REJECTED if answer.status == HTTPStatus.BAD_REQUEST else Reason.MISCONFIGURED,
            f"{self.host} answered {answer.status} to alerts: {answer.shown()}"
            + ("" if answer.status == HTTPStatus.BAD_REQUEST else "; correct `url`"),
        )

    def _in_time(self, status: dict[str, Any]) -> Finding:
        allowed = _resolve_timeout(status)
        again = self._table.resend_seconds
        if allowed is None or again < allowed:
            return Finding(ok=True, what=f"alerts are sent again every {again:g} s")
        return Finding(
            ok=False,
            what=f"alerts are sent again every {again:g} s, and end there after {allowed:g} s",
            remedy="make `resend_seconds` less than half of its `resolve_timeout`",
        )


class AlertmanagerPages:
    """The channel. `address` of a message means nothing: routes there decide who is told."""

    def __init__(self, table: AlertmanagerChannel, origin: Origin) -> None:
        self._origin = origin
        self._alertmanager = Alertmanager(table)

    async def send(self, message: Message) -> None:
        """Post the alerts as they stood. Raises DeliveryError.

        Should that come so late that one is over already, the keeper corrects it.
        """
        pages = sorted(message.pages, key=lambda page: (page.alert.number, page.seq))
        if len(pages) == 1:
            told = [Words(message.title, message.text)]
        else:
            told = [Words(words(page.alert), message.text) for page in pages]
        await self._alertmanager.post(
            last_of_each(
                form(page.alert, each, self._origin) for page, each in zip(pages, told, strict=True)
            )
        )

    async def check(self) -> list[Finding]:
        return await self._alertmanager.check()

    async def close(self) -> None:
        await self._alertmanager.close()


def _credentials(table: AlertmanagerChannel) -> dict[str, str]:
    if table.token is not None:
        return {"Authorization": f"Bearer {table.token.reveal()}"}
    if table.user is not None and table.password is not None:
        both = f"{table.user}:{table.password.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
    return {}


def _status(answer: Answer, host: str) -> dict[str, Any]:
    """Raises DeliveryError where somebody else answers."""
    found = answer.json() if answer.is_success else None
    if isinstance(found, dict) and isinstance(found.get("versionInfo"), dict):
        return found
    raise DeliveryError(
        Reason.MISCONFIGURED,
        f"{host} answered {answer.status}, and not as an Alertmanager does: {answer.shown()}",
    )


def _resolve_timeout(status: dict[str, Any]) -> float | None:
    """Seconds, from the configuration that it shows; None: that is not to be seen."""
    config = status.get("config")
    shown = config.get("original") if isinstance(config, dict) else None
    found = _RESOLVE_TIMEOUT.search(shown) if isinstance(shown, str) else None
    parts = _DURATION.findall(found[1]) if found else []
    return sum(int(number) * _SECONDS[unit] for number, unit in parts) if parts else None
