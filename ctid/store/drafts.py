"""A ticket draft as JSON text and back: the document of docs/ticket-draft.schema.json.

Text in a draft comes from callers; what is no Unicode text (lone surrogates) is replaced by "?".
"""

import json
from dataclasses import asdict
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ctid.domain.drafts import VERSION, Draft

DOCUMENT: Final = TypeAdapter(Draft)


def draft_to_json(draft: Draft) -> str:
    """One line of JSON, the fields in the order of the model."""
    try:
        return DOCUMENT.dump_json(draft).decode()
    except (PydanticSerializationError, UnicodeEncodeError):
        text = json.dumps(asdict(draft), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()


def draft_from_json(text: str | bytes) -> Draft:
    """Read what `draft_to_json` wrote. Raises ValueError with one line.

    Fields that this ctid does not know are left out: a newer one may add some, with no new version.
    A document of a newer version is refused, since its fields mean something else.
    """
    try:
        draft = DOCUMENT.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ValueError(f"no ticket draft: {place}: {first['msg']}") from None
    if draft.version > VERSION:
        raise ValueError(
            f"a ticket draft of version {draft.version}; this ctid reads up to {VERSION}: "
            "install the one that wrote it"
        )
    return draft
