"""Ticket drafts as JSON and back."""

from typing import Final

from pydantic import TypeAdapter

from ctid.domain.drafts import Draft

_ADAPTER: Final = TypeAdapter(Draft)


def draft_to_json(draft: Draft) -> str:
    """Give the document; the same draft gives the same text."""
    return _ADAPTER.dump_json(draft).decode()


def draft_from_json(text: str) -> Draft:
    """Read what `draft_to_json` gave. Raises ValueError."""
    return _ADAPTER.validate_json(text)
