"""Addresses that ctid itself listens on."""

import ipaddress
import re

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:/@\[\]]+)):(?P<port>\d{1,5})")
_LAST_PORT = 65535


def split_address(text: str) -> tuple[str, int] | None:
    """Host and port of `127.0.0.1:9810`, `[::1]:9810` or `name:9810`; None: it is none.

    Port 0 lets the system choose one.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > _LAST_PORT:
        return None
    return found["six"] or found["host"], int(found["port"])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there; of names only `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
