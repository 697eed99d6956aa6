"""Runs ctid where no file can be linked, as on FAT: `python -m tests.integration.store.no_links`.

The kernel itself refuses link and linkat of this process with EPERM (a seccomp filter).
"""

import ctypes
import errno
import os
import platform
import struct
import sys

_CALLS = {"x86_64": (86, 265), "aarch64": (37,)}
"""The numbers of link and linkat."""
IS_POSSIBLE = platform.machine() in _CALLS

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_links() -> None:
    numbers = _CALLS[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 0),
        *((_JUMP_IF_EQUAL, len(numbers) - n, 0, number) for n, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse_links()
    os.execv(sys.executable, [sys.executable, "-m", "ctid", *sys.argv[1:]])
