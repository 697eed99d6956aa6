"""What `check` of anything that speaks HTTP says about the way there and about failed requests."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from ctid.outbound.port import DeliveryError, Finding, Reason

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_REMEDIES: Final[Mapping[Reason, str]] = {
    # of a certificate the failure itself says what helps
    Reason.UNREACHABLE: "look at `url`, and for a firewall or proxy in between",
    Reason.TIMEOUT: "look whether the system is overloaded, or give it more `timeout_seconds`",
    Reason.CUT_OFF: "look into the log of the system, and of a proxy in front of it",
    Reason.BUSY: "wait, or lower `per_minute` and `concurrency`",
    Reason.SERVER_ERROR: "look into the log of the system",
    Reason.BAD_ANSWER: "look whether `url` leads to the system itself, not to a log-in page",
    Reason.DENIED: "give `token_file` or `token_credential` a token that may do this",
    Reason.MISCONFIGURED: "correct the table in the configuration",
}


def of_failure(what: str, error: DeliveryError, remedy: str | None = None) -> Finding:
    """That `what` failed, why, and what to do; `remedy` where more is known than usual."""
    return Finding(ok=False, what=f"{what}: {error}", remedy=remedy or _REMEDIES.get(error.reason))


def by_message(channel: str) -> str:
    """The command that shows what only a message can."""
    return f'ctid check-channel {channel} --send "a test"'


def of_way(url: str) -> Finding:
    """Whether others can read what goes to this address."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return Finding(ok=True, what=f"{parts.netloc} is spoken to over TLS")
    if parts.hostname in _LOOPBACK:
        return Finding(ok=True, what=f"{parts.netloc} is this machine")
    return Finding(
        ok=True,
        what=f"callers' names and numbers cross the network to {parts.netloc} readable",
        remedy="use an address that begins with `https://`",
    )
