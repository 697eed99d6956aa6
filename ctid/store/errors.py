"""How the store fails: one exception, a reason out of a fixed set, one line for the operator."""

from enum import StrEnum


class StoreReason(StrEnum):
    """Why the database could not be used; also the value of a metric label."""

    FULL = "full"
    LOCKED = "locked"
    READ_ONLY = "read_only"
    MISSING = "missing"
    GONE = "gone"
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    IO_ERROR = "io_error"
    CORRUPT = "corrupt"
    NOT_MIGRATED = "not_migrated"
    SCHEMA_TOO_NEW = "schema_too_new"
    REJECTED = "rejected"
    """The database refused the data themselves; to write the same again is of no use."""
    FAILED = "failed"


class StoreUnavailable(Exception):  # noqa: N818 - named for the state, as callers see it
    """The database cannot be used now.

    The text is one line: what is wrong, where, and how to mend it. Nothing of the batch or of the
    answer was kept; the same call may be made again later.
    """

    def __init__(self, reason: StoreReason, message: str) -> None:
        """`message` is the one line."""
        super().__init__(message)
        self.reason = reason


class SchemaTooNew(StoreUnavailable):
    """A newer ctid has written this database; this one must not touch it."""

    def __init__(self, message: str) -> None:
        """`message` is the one line."""
        super().__init__(StoreReason.SCHEMA_TOO_NEW, message)
