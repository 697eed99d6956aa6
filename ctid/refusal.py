"""What a person asks for and cannot have."""


class RefusedError(Exception):
    """It cannot be done; the message says why, in one line."""
