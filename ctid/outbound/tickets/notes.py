"""The note that a revision of a draft becomes in a ticket, and how it is known again."""

from ctid.outbound.port import Document


def mark(document: Document) -> str:
    """The last line of the note. It holds the key, since systems merge tickets with their notes."""
    return f"{document.key} / {document.revision}"


def note(document: Document) -> str:
    """Plain text with LF."""
    return f"{document.body.rstrip()}\n\n{mark(document)}"


def bears(written: str, sign: str) -> bool:
    """Whether the last line is the sign: who quotes a note does not count, nor who adds to it."""
    lines = written.rstrip().splitlines()
    return bool(lines) and lines[-1].rstrip() == sign
