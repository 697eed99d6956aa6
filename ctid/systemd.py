"""Telling systemd how the daemon is (sd_notify, see systemd's manual page of that name)."""

import contextlib
import os
import socket

_PATIENCE_SECONDS = 0.1


def notify(state: str) -> None:
    """Send one state (`READY=1`, `STATUS=...`); nothing happens where systemd did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        # who does not listen to us is no reason to record no calls
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
    ):
        channel.settimeout(_PATIENCE_SECONDS)
        channel.connect(address)
        channel.sendall(state.encode())
