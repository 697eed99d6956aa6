"""A private Asterisk of the cached tree, on free loopback ports, with everything in one run folder.

It needs no rights and touches nothing outside the run folder, whoever starts it.
"""

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import fetch
from .ami import AmiError, LabAmi

REPO = Path(__file__).resolve().parents[3]
LAB = REPO / "tests" / "acceptance" / "lab"
DIALPLANS = REPO / "dialplans"
CTID_SECRET = "ctid-lab-secret"
LAB_SECRET = "lab-secret"

# What needs hardware, other daemons or open ports that nobody asked for.
# fmt: off
NOLOAD = (
    "app_voicemail_imap", "app_voicemail_odbc", "cdr_adaptive_odbc", "cdr_odbc", "cdr_pgsql",
    "cdr_radius", "cdr_tds", "cel_odbc", "cel_pgsql", "cel_radius", "cel_tds", "chan_dahdi",
    "chan_iax2", "chan_mgcp", "chan_mobile", "chan_motif", "chan_ooh323", "chan_sip",
    "chan_skinny", "chan_unistim", "pbx_dundi", "res_config_ldap", "res_config_pgsql",
    "res_config_odbc", "res_corosync", "res_hep", "res_http_websocket", "res_phoneprov",
    "res_pjsip_phoneprov", "res_pjsip_phoneprov_provider", "res_pjsip_transport_websocket",
    "res_prometheus", "res_snmp", "res_xmpp", "res_odbc", "chan_alsa", "chan_console", "app_jack",
    "app_festival", "pbx_lua", "pbx_ael", "chan_websocket",
)
# fmt: on


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def reserve_udp_block(size: int) -> tuple[int, socket.socket]:
    """The first of `size` UDP ports in a row, and a socket that keeps them ours while it is open.

    Phones and media open their ports only when they are used, so other servers that are started
    in the meantime must be told: whoever listens on the TCP port of the first number has the row.
    """
    bases = list(range(11000, 31000, size))
    start = os.getpid() % len(bases)
    for base in bases[start:] + bases[:start]:
        try:
            guard = socket.create_server(("127.0.0.1", base))
        except OSError:
            continue
        try:
            for port in range(base, base + size):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            guard.close()
            continue
        return base, guard
    raise OSError(f"no {size} free UDP ports in a row")


@dataclass(frozen=True)
class Ports:
    """All on 127.0.0.1: AMI over TCP and TLS, SIP over UDP, RTP and the phones' ports in rows."""

    ami: int
    ami_tls: int
    sip: int
    rtp: int
    agents: int

    def agent(self, extension: str) -> int:
        """The SIP port on which this agent's phone waits; extensions 100 to 399."""
        return self.agents + int(extension) - 100

    @property
    def trunk(self) -> int:
        """The SIP port of the outside: mobiles and outbound calls."""
        return self.agents


RTP_PORTS = 600
AGENT_PORTS = 300
FIRST_TO_REGISTER = 397  # up to 399: phones that are unplugged until they register
# Media ports of SIPp: it tries a few from the first that it is given.
MEDIA_PORTS = 800
MEDIA_PORTS_EACH = 8


class Asterisk:
    """One private server. `lab` is the text of extensions_lab.conf (see lab/scenarios.py)."""

    def __init__(
        self,
        major: str,
        run: Path,
        *,
        extensions: str,
        queues: str,
        followme: str = "",
        systemname: str | None = None,
    ) -> None:
        self.major = major
        self.run = run
        self.tree = fetch.cache_dir() / major
        rtp, self._guard = reserve_udp_block(RTP_PORTS + AGENT_PORTS + MEDIA_PORTS)
        self.ports = Ports(
            free_port(), free_port(), free_port(socket.SOCK_DGRAM), rtp, rtp + RTP_PORTS
        )
        self._media = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._systemname = systemname
        self._write(extensions, queues, followme)

    @property
    def certificate(self) -> Path:
        """The certificate of the AMI's TLS port, for the name `pbx.lab`; absent without openssl."""
        return self.run / "keys" / "ami.pem"

    @property
    def version(self) -> str:
        """The package's version."""
        return (self.tree / "VERSION").read_text(encoding="utf-8").strip()

    def media_port(self) -> int:
        """Where the next SIPp process may look for its media ports, apart from all others."""
        first = self.ports.agents + AGENT_PORTS
        return first + next(self._media) * MEDIA_PORTS_EACH % MEDIA_PORTS

    def start(self, deadline: float = 30.0) -> None:
        """Start it and wait until it says FullyBooted; on the same ports every time."""
        loader = next(
            path
            for folder in ("usr/lib", "lib")
            if (path := self.tree / folder / "x86_64-linux-gnu/ld-linux-x86-64.so.2").exists()
        )
        libraries = ":".join(
            str(self.tree / folder)
            for folder in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib")
        )
        with (self.run / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                [
                    str(loader),
                    "--library-path",
                    libraries,
                    str(self.tree / "usr/sbin/asterisk"),
                    "-C",
                    str(self.run / "etc/asterisk.conf"),
                    "-f",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=self.run,
            )
        self.wait_booted(deadline)

    def wait_booted(self, deadline: float = 30.0) -> None:
        """Wait until a login is answered by FullyBooted, at most `deadline` seconds."""
        until = time.monotonic() + deadline
        while True:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"asterisk {self.major} ended: {self.log_tail()}")
            try:
                with self.ami() as lab:
                    lab.wait_event("FullyBooted", 2.0)
                    return
            except (OSError, AmiError):
                if time.monotonic() > until:
                    raise AssertionError(
                        f"asterisk {self.major} did not boot: {self.log_tail()}"
                    ) from None
                time.sleep(0.05)

    def ami(self) -> LabAmi:
        """A connection of the lab's own manager user, who may do everything."""
        return LabAmi("127.0.0.1", self.ports.ami, "lab", LAB_SECRET)

    def restart_now(self) -> None:
        """`core restart now`, and wait until the new one is up.

        The re-execution itself cannot work for a tree outside its place (it would need the
        machine's own loader), so the process ends and is started again here.
        """
        with self.ami() as lab:
            lab.wait_event("FullyBooted", 5.0)
            lab.send("Command", Command="core restart now")
            lab.wait_closed(15.0)
        if self._process is not None:
            self._process.wait(15.0)
        self.start()

    def kill(self) -> None:
        """SIGKILL: no hang-ups, no CDR, the port is closed at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: its connections stay, and nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End it in order, or by force after five seconds; its ports are free again."""
        self._guard.close()
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def log_tail(self, lines: int = 15) -> str:
        """The end of its log, for the message of a failed test."""
        text = ""
        for name in ("log/messages.log", "console.log"):
            if (self.run / name).is_file():
                text += (self.run / name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def logins(self, user: str) -> int:
        """How often this manager user has logged in."""
        text = (self.run / "log/messages.log").read_text(encoding="utf-8", errors="replace")
        return text.count(f"Manager '{user}' logged on")

    def complaints(self) -> list[str]:
        """Lines of warning or error that the configuration caused, without the known harmless."""
        text = (self.run / "log/messages.log").read_text(encoding="utf-8", errors="replace")
        return [
            line
            for line in text.splitlines()
            if re.search(
                r"(WARNING|ERROR)\[\d+\]\S* (pbx|pbx_config|manager|app_queue|config)\.c", line
            )
        ]

    def _write(self, extensions: str, queues: str, followme: str) -> None:
        run = self.run
        folders = "lib db keys agi run log/cdr-csv log/cdr-custom spool/voicemail spool/monitor"
        folders += " spool/outgoing spool/tmp spool/recording etc"
        for folder in folders.split():
            (run / folder).mkdir(parents=True, exist_ok=True)
        etc = run / "etc"
        for source in DIALPLANS.glob("*.conf"):
            text = source.read_text(encoding="utf-8").replace("CHANGE_ME", CTID_SECRET)
            (etc / source.name).write_text(text, encoding="utf-8")
        values = {
            "tls": self._tls(),
            "run": str(run),
            "tree": str(self.tree),
            "modules": str(next(self.tree.glob("usr/lib/**/app_dial.so")).parent),
            "ami": str(self.ports.ami),
            "sip": str(self.ports.sip),
            "rtp_start": str(self.ports.rtp),
            "rtp_end": str(self.ports.rtp + RTP_PORTS - 1),
            "trunk": str(self.ports.trunk),
            "lab_secret": LAB_SECRET,
            "systemname": f"systemname = {self._systemname}" if self._systemname else "",
        }
        for source in LAB.glob("*.conf"):
            text = source.read_text(encoding="utf-8")
            for key, value in values.items():
                text = text.replace("{" + key + "}", value)
            (etc / source.name).write_text(text, encoding="utf-8")
        modules = "[modules]\nautoload = yes\n" + "".join(f"noload = {m}.so\n" for m in NOLOAD)
        (etc / "modules.conf").write_text(modules, encoding="utf-8")
        (etc / "extensions_scenarios.conf").write_text(extensions, encoding="utf-8")
        (etc / "queues_scenarios.conf").write_text(queues, encoding="utf-8")
        (etc / "followme_scenarios.conf").write_text(followme, encoding="utf-8")
        (etc / "pjsip_agents.conf").write_text(self._agents(), encoding="utf-8")

    def _tls(self) -> str:
        """Lines for manager.conf, after making a certificate; none without openssl."""
        openssl = shutil.which("openssl")
        if openssl is None:
            return ""
        key = self.run / "keys" / "ami.key"
        command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        command += ["-nodes", "-days", "2", "-subj", "/CN=pbx.lab"]
        command += ["-addext", "subjectAltName=DNS:pbx.lab"]
        command += ["-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(command, check=True, capture_output=True)
        return (
            f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{self.ports.ami_tls}\n"
            f"tlscertfile = {self.certificate}\ntlsprivatekey = {key}\n"
        )

    def _agents(self) -> str:
        """Endpoints PJSIP/a101 to a396, each with its fixed contact; the last three register."""
        parts, one = [], "max_contacts=1\n"
        for number in range(101, 400):
            name = f"a{number}"
            contact = f"contact=sip:{name}@127.0.0.1:{self.ports.agent(str(number))}\n"
            parts.append(
                f"[{name}](agent)\naors={name}\ncallerid=Agent {number} <{number}>\n"
                f"[{name}]\ntype=aor\n{contact if number < FIRST_TO_REGISTER else one}"
            )
        return "".join(parts)


def sweep(run: Path) -> None:
    """Remove a run folder."""
    shutil.rmtree(run, ignore_errors=True)
