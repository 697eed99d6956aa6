"""Text of others as a database can hold it: NUL is replaced by U+FFFD, a lone surrogate by "?"."""


def text(value: str) -> str:
    """The same text where it can be held."""
    if value.isascii():
        return value.replace("\0", "\ufffd") if "\0" in value else value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def optional_text(value: str | None) -> str | None:
    """The same; None stays None."""
    return None if value is None else text(value)
