"""What a person asks for and cannot have."""


class RefusedError(Exception):
    """It cannot be done; the message says why, in one line."""


class NonsenseError(RefusedError):
    """It could never be done, however things stand: what was asked for is wrong in itself."""
