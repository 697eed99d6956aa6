"""Calls that nobody has had a ticket for yet, and what an examination complains about."""

from typing import Any
from uuid import uuid4

from ctid.outbound.port import Document, Finding
from tests.drafts import document, draft


def of_new_call(revision: int = 1, **changes: Any) -> Document:
    """`subject`, `body`, and what is changed of the draft."""
    subject = changes.pop("subject", "[network] Call")
    body = changes.pop("body", "A call.\n")
    key = changes.pop("key", f"ctid:desk:main:{uuid4()}:network")
    return document(draft(key=key, **changes), revision, subject, body)


def revised(of: Document, revision: int, **changes: Any) -> Document:
    return of_new_call(revision, **{"key": of.key, **changes})


def wrong(findings: list[Finding]) -> list[str]:
    for finding in findings:
        assert finding.ok == (finding.remedy is None), finding
    return [finding.what for finding in findings if not finding.ok]
