"""Telephone numbers in a recorded stream made unreadable, but still told apart.

A number is a run of at least seven digits that is no id, time or serial. Its first three and last
two digits stay; those between become others, by a key that nobody keeps. The same number becomes
the same one in all of a recording, and has the same length, so that the stream still replays.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

_FIRST, _LAST = 3, 2

_FOUND = re.compile(
    rb"(?P<id>[0-9]{9,11}\.[0-9]+)"  # Uniqueid, Linkedid, Timestamp
    rb"|(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"  # a bridge
    rb"|(?P<serial>-[0-9a-f]{8}(?![0-9A-Za-z]))"  # the end of a channel's name, where it is one
    rb"|(?P<number>[0-9]{7,})"
)
_CHANNEL = re.compile(rb"[A-Za-z][A-Za-z0-9_]*/[^/\s,&]*\Z")
# Moments as whole seconds.
_TIMES = re.compile(rb"^(?:LastCall|LastPause|LoginTime|Uptime|LastReload): ", re.MULTILINE)


class Mask:
    """Masks one recording. `keep` tells which numbers stay readable: those of the lines."""

    def __init__(self, keep: Callable[[str], bool], key: bytes | None = None) -> None:
        self._keep = keep
        self._key = key or secrets.token_bytes(32)

    def __call__(self, block: bytes) -> bytes:
        return b"\n".join(
            line if _TIMES.match(line) else _FOUND.sub(self._replaced, line)
            for line in block.split(b"\n")
        )

    def _replaced(self, found: re.Match[bytes]) -> bytes:
        whole = found[0]
        if found["number"] is not None:
            return self._masked(whole)
        is_serial = found["serial"] is not None and _CHANNEL.search(found.string[: found.start()])
        if found["serial"] is None or is_serial:
            return whole
        return b"-" + (self._masked(whole[1:]) if whole[1:].isdigit() else whole[1:])

    def _masked(self, number: bytes) -> bytes:
        if self._keep(number.decode()):
            return number
        width = len(number) - _FIRST - _LAST
        digest = hmac.digest(self._key, number, hashlib.sha256)
        middle = str(int.from_bytes(digest) % 10**width).zfill(width)
        return number[:_FIRST] + middle.encode() + number[-_LAST:]
