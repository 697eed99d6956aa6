"""Telling systemd how the daemon is (sd_notify, see systemd's manual page of that name)."""

import os
import socket


def notify(state: str) -> None:
    """Send one state (`READY=1`, `STATUS=...`); nothing happens where systemd did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
