"""A phone that only registers, and is unplugged: what the fixed contacts of the lab cannot do."""

import itertools
import socket
import uuid
from typing import Self


class RegistrationError(Exception):
    """The PBX did not accept it."""


class Registration:
    """A phone's place at the registrar of 127.0.0.1. It answers no calls.

    Calls come to `contact_port`, where some other phone may answer them.
    """

    def __init__(self, user: str, sip_port: int, contact_port: int | None = None) -> None:
        self._user = user
        self._registrar = ("127.0.0.1", sip_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5.0)
        self._contact_port = contact_port or self._socket.getsockname()[1]
        self._call = uuid.uuid4().hex
        self._serial = itertools.count(1)

    def __enter__(self) -> Self:
        try:
            self._register(3600)
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._register(0)
        self._socket.close()

    def _register(self, seconds: int) -> None:
        number = next(self._serial)
        own = "{}:{}".format(*self._socket.getsockname())
        address = f"<sip:{self._user}@127.0.0.1>"
        lines = (
            f"REGISTER sip:127.0.0.1:{self._registrar[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{self._call}{number};rport",
            "Max-Forwards: 70",
            f"From: {address};tag={self._call[:8]}",
            f"To: {address}",
            f"Call-ID: {self._call}",
            f"CSeq: {number} REGISTER",
            f"Contact: <sip:{self._user}@127.0.0.1:{self._contact_port}>",
            f"Expires: {seconds}",
            "Content-Length: 0",
            "",
            "",
        )
        self._socket.sendto("\r\n".join(lines).encode(), self._registrar)
        answer = self._socket.recv(65536).split(b"\r\n", 1)[0].decode()
        if " 200 " not in answer:
            raise RegistrationError(answer)
