"""What of a connection's bytes may be kept: all that the PBX sends but its answers to the login."""

from collections.abc import Callable

_BLANK = b"\r\n\r\n"
_RESPONSE = b"Response: "
_CHALLENGE = b"\r\nChallenge: "
_MOST_HELD = 1 << 20  # bytes of a block whose end does not come


class Recording:
    """Bytes in as they come, out as they may be written: whole blocks, with their blank line.

    Only what the PBX sends comes here, so nothing that ctid sends is in it. Of its answers those
    before `logged_in` is set are left out, since they belong to the login, and whatever holds a
    challenge. `mask` is applied to each block.
    """

    def __init__(self, mask: Callable[[bytes], bytes] | None = None) -> None:
        self.logged_in = False
        self.blocks = 0
        self._mask = mask or (lambda block: block)
        self._held = b""
        self._greeted = False

    def feed(self, data: bytes) -> bytes:
        *blocks, self._held = (self._held + data).split(_BLANK)
        if len(self._held) > _MOST_HELD:
            blocks.append(self._held)
            self._held = b""
        return b"".join(map(self._kept, blocks))

    def end(self) -> bytes:
        """What came last and is not whole."""
        rest, self._held = self._held, b""
        return self._kept(rest).removesuffix(_BLANK) if rest else b""

    def _kept(self, block: bytes) -> bytes:
        greeting = b""
        if not self._greeted:
            # the greeting is a line of its own, directly before the first answer
            self._greeted = True
            line, newline, rest = block.partition(b"\r\n")
            if not line.startswith((_RESPONSE, b"Event: ")):
                greeting, block = line + newline, rest
        is_answer = block.startswith(_RESPONSE)
        if is_answer and (not self.logged_in or _CHALLENGE in block):
            return greeting
        self.blocks += 1
        return greeting + self._mask(block) + _BLANK
