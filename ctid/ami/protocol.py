"""Bytes of an AMI connection to blocks: the text between two blank lines.

No sockets and no clock: bytes go in, whole blocks come out, however the bytes were cut into
segments. Nothing is decoded here.
"""

import re

# More than one read brings: then the blocks within it need no measuring.
DEFAULT_MAX_BLOCK = 128 * 1024

_SEPARATOR = b"\r\n\r\n"
_OVERLAP = len(_SEPARATOR) - 1
_GREETING = b"Asterisk Call Manager/"
_MAX_GREETING = 256
_VERSION = re.compile(rb"[0-9A-Za-z.+~-]{1,32}")


class Framer:
    """Cuts a stream into blocks.

    `feed` returns the blocks that are whole now, without their blank line. A block longer than
    `max_block` bytes is dropped and counted in `oversized`, terminated or not; reading goes on
    behind the next blank line. `version` is the number in the greeting line, None until it came.
    """

    def __init__(self, max_block: int = DEFAULT_MAX_BLOCK) -> None:
        self._max_block = max_block
        self._parts: list[bytes] = []
        self._size = 0
        self._edge = b""
        self._skipping = False
        self._greeted = False
        self.version: str | None = None
        self.oversized = 0

    def feed(self, data: bytes) -> list[bytes]:
        if not self._greeted:
            data = self._greet(data)
        # A separator lies in the new bytes or across the seam. Only then are the parts joined, so
        # a long block that comes in small segments costs linear time.
        if _SEPARATOR not in data and _SEPARATOR not in self._edge + data[:_OVERLAP]:
            self._keep(data)
            return []
        if self._edge.endswith((b"\r", b"\n")):
            data = b"".join([*self._parts, data])
            self._parts.clear()
        blocks = data.split(_SEPARATOR)
        rest = blocks.pop()
        if self._parts:
            self._parts.append(blocks[0])
            blocks[0] = b"".join(self._parts)
            self._parts.clear()
        longest = self._size + len(data)
        self._size = 0
        self._edge = b""
        if self._skipping:
            self._skipping = False
            del blocks[0]
        if longest > self._max_block and max(map(len, blocks), default=0) > self._max_block:
            kept = [block for block in blocks if len(block) <= self._max_block]
            self.oversized += len(blocks) - len(kept)
            blocks = kept
        self._keep(rest)
        return blocks

    def _keep(self, data: bytes) -> None:
        """Store bytes of a block whose end has not come, within the cap."""
        if not data:
            return
        self._edge = (self._edge + data[-_OVERLAP:])[-_OVERLAP:]
        if self._skipping:
            self._parts = [self._edge]
            return
        self._parts.append(data)
        self._size += len(data)
        # The last bytes may be a part of the separator.
        if self._size - _OVERLAP > self._max_block:
            self.oversized += 1
            self._skipping = True
            self._parts = [self._edge]

    def _greet(self, data: bytes) -> bytes:
        """Take the greeting line, which no blank line ends; give back what follows it.

        A stream that begins otherwise (a recording without its start) is taken as blocks.
        """
        start = b"".join(self._parts) + data
        self._parts.clear()
        line, newline, rest = start.partition(b"\r\n")
        if not newline and len(start) < _MAX_GREETING:
            known = start[: len(_GREETING)]
            if known == _GREETING[: len(known)]:
                self._parts.append(start)
                return b""
        self._greeted = True
        if not (newline and line.startswith(_GREETING)):
            return start
        version = _VERSION.match(line, len(_GREETING))
        self.version = version[0].decode("ascii") if version else ""
        return rest
