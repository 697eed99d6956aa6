"""What the two forms of a contact file have in common: one entry, found in one row."""

from typing import Final, NamedTuple

from ctid.domain.drafts import Contact

_YES: Final = frozenset({"1", "yes", "y", "true", "x", "vip", "是"})
_NO: Final = frozenset({"", "0", "no", "n", "false", "否"})


class ContactRow(NamedTuple):
    """One contact: `row` counts from 1, `numbers` are as written, `doubts` are one line each."""

    row: int
    numbers: tuple[str, ...]
    contact: Contact
    doubts: tuple[str, ...] = ()


class UnusableRow(NamedTuple):
    """A row that holds no contact, and why."""

    row: int
    why: str


class ContactsError(Exception):
    """A contact file as a whole cannot be used; one line says what, where and how to mend it."""


def yes_or_no(text: str) -> bool | None:
    """What a person means by it; None: neither."""
    word = text.strip().lower()
    if word in _YES:
        return True
    return False if word in _NO else None
