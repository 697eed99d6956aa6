"""What went wrong while a ticket system was examined, in words that tell what to do."""

from typing import Final

from ctid.outbound.port import DeliveryError, Finding, Reason

_REMEDIES: Final = {
    Reason.UNREACHABLE: "see whether it runs, and whether `url` and `ca_file` are right",
    Reason.TIMEOUT: "see why it is slow, or set `timeout_seconds` higher",
    Reason.CUT_OFF: "see its log, and whether a proxy stands between",
    Reason.BUSY: "try again later",
    Reason.SERVER_ERROR: "see its log",
    Reason.BAD_ANSWER: "see whether `url` leads to the system itself, not to a login page or proxy",
    Reason.DENIED: "see whether the token is right and not expired, and what its user may do",
    Reason.MISCONFIGURED: "correct the configuration, or set it up there",
    Reason.REJECTED: "see its log",
    Reason.GONE: "see whether `url` is right",
}


def failed(what: str, error: DeliveryError, remedy: str | None = None) -> Finding:
    """`what` could not be examined, or is not well; `remedy` where more is known than usual."""
    return Finding(ok=False, what=f"{what}: {error}", remedy=remedy or _REMEDIES[error.reason])
