"""The real Mosquitto on loopback: TLS, passwords, client certificates, an ACL, and faults."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiomqtt

MISSING = "Mosquitto is not installed: apt-get install mosquitto mosquitto-clients openssl"
PASSWORDS: Final = {
    "ctid": "s3cret",
    "tickets": "t1ckets",
    "wall": "w4ll",
    "stranger": "str4nge",
    "sender": "s3nder",
    "desk": "d3sk",
}
_SECONDS: Final = 20
_KEY: Final = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_ACL: Final = """\
user ctid
topic readwrite ctid/#
user tickets
topic read ctid/#
topic write ctid/lab/ticket/ack/+
user wall
topic read ctid/#
user stranger
topic readwrite ctid/lab/status
user sender
topic write ctid/lab/ticket/draft/#
topic write ctid/lab/ticket/ack/check
user desk
topic read ctid/#
topic write ctid/lab/alert/command
"""


def programs() -> bool:
    return all(map(program, ("mosquitto", "mosquitto_passwd", "mosquitto_pub", "openssl")))


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def run(folder: Path, name: str, *arguments: str) -> None:
    path = program(name)
    assert path is not None
    subprocess.run(
        [path, *arguments], check=True, cwd=folder, capture_output=True, timeout=_SECONDS
    )


class Certificates:
    """An authority, what it signed for the broker and for ctid, and one that it did not sign."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._authority("ca")
        self._authority("other")
        self._signed("broker", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._signed("client", "/CN=ctid", "")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def _authority(self, name: str) -> None:
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}"]
        run(self.folder, "openssl", "req", "-x509", "-days", "2", *_KEY, *files)

    def _signed(self, name: str, subject: str, extensions: str) -> None:
        request, out = f"{name}.csr", f"{name}.crt"
        made = ["-keyout", f"{name}.key", "-out", request, "-subj", subject]
        run(self.folder, "openssl", "req", *_KEY, *made)
        (self.folder / "extensions").write_text(extensions)
        by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
        put = ["-in", request, "-out", out, "-extfile", "extensions"]
        run(self.folder, "openssl", "x509", "-req", *by, *put)


def write_passwords(folder: Path) -> Path:
    path = folder / "passwords"
    path.touch(mode=0o600)
    for user, password in PASSWORDS.items():
        run(folder, "mosquitto_passwd", "-b", path.name, user, password)
    return path


@dataclass
class Broker:
    """One Mosquitto. `port` wants a password, `certified` a client certificate, both TLS."""

    folder: Path
    certificates: Certificates
    port: int
    certified: int
    plain: int
    config: Path
    process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def prepare(cls, folder: Path, certificates: Certificates, more: str = "") -> "Broker":
        port, certified, plain = free_ports(3)
        passwords, acl = write_passwords(folder), folder / "acl"
        acl.write_text(_ACL)
        acl.chmod(0o600)
        files = f"cafile {certificates.path('ca.crt')}\n"
        files += f"certfile {certificates.path('broker.crt')}\n"
        files += f"keyfile {certificates.path('broker.key')}\n"
        known = f"allow_anonymous false\npassword_file {passwords}\nacl_file {acl}\n"
        config = folder / "mosquitto.conf"
        config.write_text(
            "per_listener_settings true\npersistence true\n"
            f"persistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\n"
            f"{as_root()}log_dest stderr\n{more}"
            f"listener {port} 127.0.0.1\n{files}{known}"
            f"listener {certified} 127.0.0.1\n{files}"
            f"require_certificate true\nuse_identity_as_username true\nacl_file {acl}\n"
            f"listener {plain} 127.0.0.1\n{known}"
        )
        return cls(folder, certificates, port, certified, plain, config)

    def start(self) -> None:
        path = program("mosquitto")
        assert path is not None
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen([path, "-c", str(self.config)], stderr=log)
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.plain), 1).close()  # the last of them
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "Mosquitto does not listen"
                time.sleep(0.01)
            else:
                return

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """In order: it saves sessions and retained messages."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            # while it starts Mosquitto may miss the signal
            while self.process.poll() is None:
                self.process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(1)
            self.process = None

    def client(self, user: str = "tickets") -> aiomqtt.Client:
        """Somebody else at the broker."""
        return aiomqtt.Client(
            "127.0.0.1",
            self.plain,
            username=user,
            password=PASSWORDS[user],
            protocol=aiomqtt.ProtocolVersion.V5,
        )

    def publish(self, topic: str, payload: bytes, user: str = "tickets") -> None:
        """By Mosquitto's own client; returns when the broker has it."""
        path = program("mosquitto_pub")
        assert path is not None
        who = ["-h", "127.0.0.1", "-p", str(self.plain), "-u", user, "-P", PASSWORDS[user]]
        command = [path, *who, "-V", "5", "-q", "1", "-t", topic, "-s" if payload else "-n"]
        subprocess.run(command, input=payload, check=True, capture_output=True, timeout=_SECONDS)


def as_root() -> str:
    """Mosquitto would become a user who may not read the test's files."""
    return "user root\n" if os.geteuid() == 0 else ""


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
